import type { SettingKey, SettingTable } from "./setting-table.ts";
import type { SettingValue } from "./setting.ts";

/** Every setting that can be used, parsed; paths are absolute. */
export type Settings = {
  readonly [K in SettingKey as SettingTable[K] extends { readonly refused: string }
    ? never
    : K]: SettingValue<SettingTable[K]>;
};
