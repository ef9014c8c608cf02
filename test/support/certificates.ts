// A private authority and certificates it signs, made by openssl for one test.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class TestAuthority {
  /** PEM file of the authority itself. */
  readonly ca: string;
  readonly #directory: string;
  readonly #key: string;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.ca = join(directory, "ca.pem");
    this.#key = join(directory, "ca.key");
    openssl("req", "-x509", ...NEW_KEY, "-keyout", this.#key, "-out", this.ca, "-days", "2", "-subj", "/CN=tests");
  }

  /** `names`: e.g. `IP:127.0.0.1`. */
  issue(name: string, names: readonly string[] = []): KeyPair {
    const [cert, key, request, extensions] = ["pem", "key", "csr", "ext"].map((end) =>
      join(this.#directory, `${name}.${end}`),
    ) as [string, string, string, string];
    writeFileSync(extensions, names.length === 0 ? "" : `subjectAltName=${names.join(",")}\n`);
    openssl("req", ...NEW_KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
    const signer = ["-CA", this.ca, "-CAkey", this.#key, "-CAcreateserial", "-days", "2", "-extfile", extensions];
    openssl("x509", "-req", "-in", request, "-out", cert, ...signer);
    chmodSync(key, 0o600);
    return { cert, key };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "ignore"] });
}
