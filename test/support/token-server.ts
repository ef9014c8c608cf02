// A token server as docker-registry's `auth: token` expects one: signs what it grants, remembers who asked for what.
import { createSign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { KeyPair } from "./certificates.ts";

export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly scopes: readonly string[];
}

export class TokenServer {
  readonly requests: TokenRequest[] = [];
  /** Seconds a token lives. */
  lifetime = 300;
  /** `user:password` that is granted what it asks for; undefined grants everybody. */
  login: string | undefined;
  readonly #server: Server;
  readonly #signer: KeyPair;
  #port = 0;

  private constructor(signer: KeyPair) {
    this.#signer = signer;
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://127.0.0.1");
      const scopes = url.searchParams.getAll("scope");
      this.requests.push({ authorization: request.headers.authorization, scopes });
      const given = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
      if (this.login !== undefined && given !== "" && given !== this.login) response.writeHead(401).end();
      else {
        const granted = this.login === undefined || given === this.login ? scopes : [];
        response.end(JSON.stringify({ token: this.#token(granted), expires_in: this.lifetime }));
      }
    });
  }

  static async start(signer: KeyPair): Promise<TokenServer> {
    const server = new TokenServer(signer);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    const address = server.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    server.#port = address.port;
    return server;
  }

  get realm(): string {
    return `http://127.0.0.1:${this.#port}/token`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #token(scopes: readonly string[]): string {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      return { type, name, actions: actions.split(",") };
    });
    const der = new X509Certificate(readFileSync(this.#signer.cert)).raw.toString("base64");
    const head = encode({ typ: "JWT", alg: "ES256", x5c: [der] });
    const body = encode({
      iss: "tests",
      aud: "tests",
      sub: "",
      jti: String(now),
      iat: now,
      nbf: now - 5,
      exp: now + this.lifetime,
      access,
    });
    const signature = createSign("sha256")
      .update(`${head}.${body}`)
      .sign({ key: readFileSync(this.#signer.key), dsaEncoding: "ieee-p1363" })
      .toString("base64url");
    return `${head}.${body}.${signature}`;
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
