import { request } from "node:http";
import { sayingOf, VmmError } from "./vmm-error.ts";

const answerBytesMax = 64 * 1024;

/** What is asked of Firecracker, by method and path, as its published description has it. */
export interface FirecrackerBodies {
  readonly "PUT /boot-source": {
    readonly kernel_image_path: string;
    readonly initrd_path: string;
    readonly boot_args: string;
  };
  readonly "PUT /drives/root": {
    readonly drive_id: "root";
    readonly is_root_device: boolean;
    readonly is_read_only: true;
    readonly path_on_host: string;
  };
  readonly "PUT /machine-config": { readonly vcpu_count: number; readonly mem_size_mib: number };
  readonly "PUT /vsock": { readonly guest_cid: number; readonly uds_path: string };
  readonly "PUT /balloon": {
    readonly amount_mib: number;
    readonly deflate_on_oom: boolean;
    readonly free_page_reporting: boolean;
  };
  readonly "PUT /entropy": Readonly<Record<string, never>>;
  readonly "PUT /actions": { readonly action_type: "InstanceStart" };
  readonly "PATCH /vm": { readonly state: "Paused" | "Resumed" };
  readonly "PUT /snapshot/create": {
    readonly snapshot_type: "Full";
    readonly snapshot_path: string;
    readonly mem_file_path: string;
  };
  readonly "PUT /snapshot/load": {
    readonly snapshot_path: string;
    readonly mem_backend: { readonly backend_type: "File"; readonly backend_path: string };
    readonly resume_vm: boolean;
  };
}

/** Makes one request of Firecracker's API. Rejects with `refused` and what it says. */
export type FirecrackerApi = <Call extends keyof FirecrackerBodies>(
  call: Call,
  body: FirecrackerBodies[Call],
  signal: AbortSignal,
) => Promise<void>;

/** The API at a Unix socket. Each request has a connection of its own. */
export function firecrackerApi(socketPath: string): FirecrackerApi {
  return async (call, body, signal) => {
    const [method = "", path = ""] = call.split(" ");
    const { status, text } = await send({ socketPath, method, path, body, signal });
    if (status === 204) return;
    const why = sayingOf(faultOf(text));
    throw new VmmError("refused", `Firecracker answered ${call} with ${status}: ${why}`);
  };
}

interface ApiRequest {
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly body: object;
  readonly signal: AbortSignal;
}

interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

function send({ socketPath, method, path, body, signal }: ApiRequest): Promise<ApiAnswer> {
  const json = JSON.stringify(body);
  const headers = {
    host: "localhost",
    accept: "application/json",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(json),
    connection: "close",
  };
  return new Promise((resolve, reject) => {
    const broken = (error: unknown): void =>
      reject(new VmmError("protocol", `Firecracker's API broke: ${sayingOf(error)}`));
    const call = request({ socketPath, method, path, headers, signal, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        if (text.length <= answerBytesMax) return;
        answer.destroy();
        broken(new Error(`its answer has more than ${answerBytesMax} bytes`));
      });
      answer.on("error", broken);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    call.on("error", (error) => (signal.aborted ? reject(signal.reason) : broken(error)));
    call.end(json);
  });
}

function faultOf(text: string): string {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null && "fault_message" in answer) {
      return String(answer.fault_message);
    }
  } catch {
    // Whatever it is, it is shown.
  }
  return text;
}
