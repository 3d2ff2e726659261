import type { Guest } from "../guest/guest.ts";

/** Tells the guest what nobody caught. Deno would end the process by itself and say nothing to the host. */
export function hearUncaught(guest: Guest): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    guest.uncaught(Reflect.get(event, "error"));
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    guest.unhandledRejection(Reflect.get(event, "reason"));
  });
}
