// Property tests draw the same cases in every run, so that a failure belongs to the change that brought it.
// `npm run fuzz` draws new ones; what it finds becomes a case of its own.
import fc from "fast-check";

if (process.env["FUZZ"] === undefined) fc.configureGlobal({ seed: 20261124 });
