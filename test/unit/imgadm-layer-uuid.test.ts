import { describe, expect, it } from "vitest";
import { layerStackUuid, removalUuid } from "../../agent/imgadm/layer-uuid.ts";
import { digestFromHex } from "../../agent/util/ids.ts";

const digests = (...hex: readonly string[]) => hex.map(digestFromHex);

// imgadm.md 7.1: redis:3 of 2018-07-17, as posted in smartos-live #645.
const REDIS = digests(
  "be8881be8156e4068e611fe956aba2b9593ebd953be14fb7feea6d0659aa3abe",
  "d6f5ea773ca39a0094e300aec4c30478b616d1631382c6eba21fdc2fa20c0385",
  "735cc65c0db489710ba88840b2075d6d4195f0d0c5dfc5e59fdfc6243aca0daf",
  "ae14a66a481e91419d52349fcc92e9fdafef857b680bfdae985f788376780daa",
  "424fa70ab72b735807efed5033ef55e6ac799a28aaa3167e65c8b4c1ab872f3a",
  "ceb36c1da065b853a85e0729c9129425c9a64604054d5b82bf62d15f7b8b7189",
);
const REDIS_UUIDS = [
  "8a98589a-db8e-bef7-a168-d5450f9da84d",
  "d27bd6a0-9b14-7bef-0ec1-7266e7f4135c",
  "cfab9eb7-02c6-b70c-4cc3-b31e7dc0489c",
  "42bcddf1-39be-f2d6-690d-887479ff5c48",
  "27e270fe-a22a-e945-66d9-a597bc6f7f3d",
  "2feb5257-cb6a-fcd0-8789-dfcb3d934263",
];

const A = "84ff92691f909a05b224e1c56abb4864f01b4f8e3c854e4bb4c7baf1d3f6d652";
const B = "847f49d214bac745aad71de7e5c4ca2fa729c096ca749151bf9566b7e2e565d9";

describe("layerStackUuid", () => {
  it.each(REDIS_UUIDS.map((uuid, index) => [index + 1, uuid] as const))(
    "of the first %i layers of redis:3",
    (count, uuid) => {
      expect(layerStackUuid(REDIS.slice(0, count))).toBe(uuid);
    },
  );

  it.each([
    [
      "alpine of RFD 57",
      digests("2aecc7e1714b6fad58d13aedb0639011b37b86f743ba7b6a52d82bd03014b78e"),
      "af538a6a-5ca3-04cc-fd2e-9c0064fe5a63",
    ],
    ["A", digests(A), "b265d8d3-a33c-f570-5fbf-d453e6c4391b"],
    ["A B", digests(A, B), "f6f69a22-4b55-1c2d-4986-f7f6dbb0f39a"],
    ["A B A, the same layer twice", digests(A, B, A), "ed2e27e7-4f1a-3d21-e11b-d34ce58579e2"],
  ])("of %s", (_, layers, uuid) => {
    expect(layerStackUuid(layers)).toBe(uuid);
  });
});

it("gives removal images names of their own", () => {
  const names = REDIS.map((_, index) => removalUuid(REDIS.slice(0, index + 1)));
  expect(new Set([...names, ...REDIS_UUIDS]).size).toBe(12);
});
