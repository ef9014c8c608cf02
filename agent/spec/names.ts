import { randomInt } from "node:crypto";

const ADJECTIVES = (
  "amber bold brave bright brisk calm clear clever coral crisp deep eager early fair fleet fresh gentle glad golden " +
  "grand green happy honest jolly keen kind light lively lucid mellow merry mild misty neat noble plain polar prime " +
  "proud quick quiet rapid ready sharp shiny silent silver smooth solid stable steady still sunny swift tidy vivid warm wise"
).split(" ");

const NOUNS = (
  "anchor aspen badger basin bay beacon birch brook canyon cedar cliff cloud comet cove crane creek dune eagle falcon " +
  "fern field fjord forest glacier grove harbor heron hill island lagoon lake lark maple marsh meadow mesa moon moss " +
  "oak orchard otter owl peak pine plain pond quartz reef ridge river robin sparrow spring spruce stone summit swan " +
  "thicket tide valley willow wren"
).split(" ");

/** A readable name for a container that was given none: `swift_otter_41`. Two calls may agree; the caller checks. */
export function randomName(): string {
  return `${ADJECTIVES[randomInt(ADJECTIVES.length)] ?? "plain"}_${NOUNS[randomInt(NOUNS.length)] ?? "stone"}_${randomInt(10, 100)}`;
}
