// What a login is, wherever it was found.

export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** A refresh token, kept by `docker login` for registries that give one. */
  | { readonly kind: "identity-token"; readonly username: string; readonly token: string };

export interface FoundCredentials {
  readonly credentials?: Credentials;
  /** Why a login that seems to exist cannot be used, or where the one found came from: for the hint of a refusal. */
  readonly remark?: string;
}
