/** What a TLS server shows for itself, in PEM. */
export interface TlsIdentity {
  /** The certificate, followed by those that lead to its root. */
  readonly cert: string;
  readonly key: string;
}
