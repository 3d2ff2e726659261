/** What defaults are computed from. */
export interface SettingContext {
  /** Values of the settings further up in the table, by dotted path. */
  readonly value: (path: string) => unknown;
  readonly cores: number;
  /** Memory of the machine in MiB. */
  readonly memoryMb: number;
  /** User id of the server; 0 is root. */
  readonly uid: number;
  /** `XDG_RUNTIME_DIR`, when it is set. */
  readonly userRunDir: string | undefined;
}
