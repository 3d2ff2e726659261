import type { FirecrackerApi } from "./firecracker-api.ts";
import type { MachineShape } from "./machine.ts";

/** Where Firecracker finds things: the same in every machine, since its snapshots remember them. */
export interface FirecrackerPaths {
  readonly kernel: string;
  readonly initramfs: string;
  readonly root: string | undefined;
  readonly ram: string;
  readonly state: string;
  /** The socket that its vsock device makes; a port's connections go to `<it>_<port>`. */
  readonly vsock: string;
}

/** The address of every machine on its vsock, which reaches nothing but its own host's sockets. */
const guestCid = 3;

/** Processors: one, or an even number. */
export function firecrackerVcpu(vcpu: number): number {
  return vcpu <= 1 ? 1 : Math.min(32, 2 * Math.ceil(vcpu / 2));
}

/** Describes a machine and starts it. */
export async function bootCalls(
  api: FirecrackerApi,
  { image, memoryMb, vcpu }: MachineShape,
  paths: FirecrackerPaths,
  signal: AbortSignal,
): Promise<void> {
  await api(
    "PUT /machine-config",
    { vcpu_count: firecrackerVcpu(vcpu), mem_size_mib: memoryMb },
    signal,
  );
  await api(
    "PUT /boot-source",
    {
      kernel_image_path: paths.kernel,
      initrd_path: paths.initramfs,
      boot_args: image.kernelArgs,
    },
    signal,
  );
  if (paths.root !== undefined) {
    await api(
      "PUT /drives/root",
      {
        drive_id: "root",
        // Its initramfs mounts it; the kernel is told no root device.
        is_root_device: false,
        is_read_only: true,
        path_on_host: paths.root,
      },
      signal,
    );
  }
  await api("PUT /vsock", { guest_cid: guestCid, uds_path: paths.vsock }, signal);
  await api(
    "PUT /balloon",
    { amount_mib: 0, deflate_on_oom: true, free_page_reporting: true },
    signal,
  );
  await api("PUT /entropy", {}, signal);
  await api("PUT /actions", { action_type: "InstanceStart" }, signal);
}

/** Writes a paused machine down. */
export async function snapshotCall(
  api: FirecrackerApi,
  { state, ram }: FirecrackerPaths,
  signal: AbortSignal,
): Promise<void> {
  const files = { snapshot_path: state, mem_file_path: ram };
  await api("PUT /snapshot/create", { snapshot_type: "Full", ...files }, signal);
}

/** Makes a running machine of a snapshot, whose memory is copied on write. */
export async function restoreCall(
  api: FirecrackerApi,
  { state, ram }: FirecrackerPaths,
  signal: AbortSignal,
): Promise<void> {
  await api(
    "PUT /snapshot/load",
    {
      snapshot_path: state,
      mem_backend: { backend_type: "File", backend_path: ram },
      resume_vm: true,
    },
    signal,
  );
}
