/** A client owns a whole IPv6 /64, so its first four groups stand for it; IPv4 as it is. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  const whole = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0")];
  return `${whole.slice(0, 4).join(":")}::/64`;
}
