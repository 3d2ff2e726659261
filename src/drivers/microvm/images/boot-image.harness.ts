import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tscArgument } from "../tsc-frequency.ts";
import { emulatedProcessor } from "../vmm/qemu-command.ts";
import type { MicrovmImage } from "./microvm-image.ts";

const limitMs = 200_000;
const portNames = ["wire", "control", "stdout", "stderr"] as const;
type PortName = (typeof portNames)[number];
export type TestPorts = Readonly<Record<PortName, TestPort>>;

/** The host's end of a port of the machine. */
export class TestPort {
  readonly #chunks: Buffer[] = [];
  #changed = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  #ended: string | undefined;

  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#wake());
    this.#wake();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Stops reading, or goes on. */
  pause(paused: boolean): void {
    if (paused) this.#socket?.pause();
    else this.#socket?.resume();
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    await this.until(() => this.#socket !== undefined);
    this.#socket?.write(bytes);
  }

  /** Nothing comes any more: who waits for it is told why. */
  end(why: string): void {
    this.#ended = why;
    this.#wake();
  }

  /** Waits until the condition holds. Whether it does is looked at when something has arrived. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#ended !== undefined) throw new Error(this.#ended);
      await this.#changed.promise;
    }
  }

  /** Sends a line and returns the next line that comes. */
  async ask(line: string): Promise<string> {
    const before = this.text.length;
    await this.send(`${line}\n`);
    await this.until(() => this.text.indexOf("\n", before) !== -1);
    return this.text.slice(before, this.text.indexOf("\n", before));
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** A machine that was booted from an image. */
interface TestMachine {
  readonly ports: TestPorts;
  /** What its kernel wrote; complete once it has ended. */
  readonly console: Promise<string>;
  /** The VMM's exit code: 0 when the machine has powered off. */
  readonly ended: Promise<number>;
  /** Ends it and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Boots the image in an emulated machine with 256 MB that ends by itself after 200 s. */
export async function bootImage(image: MicrovmImage): Promise<TestMachine> {
  const folder = mkdtempSync(join(tmpdir(), "rx-vm-"));
  const servers: Server[] = [];
  const ports = {} as Record<PortName, TestPort>;
  for (const name of portNames) {
    const port = new TestPort();
    ports[name] = port;
    const server = createServer((socket) => port.attach(socket));
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(join(folder, name), resolve);
    });
  }
  const args = `${image.kernelArgs} ${await tscArgument()}`;
  const machine = Bun.spawn(commandOf({ image, folder, args }), {
    stdin: "ignore",
    stderr: "inherit",
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  const console = new Response(machine.stdout).text();
  void console.then((text) => {
    const said = `control: ${ports.control.text}, stderr: ${ports.stderr.text.slice(0, 2000)}`;
    const why = `The machine has ended; ${said}, console: ${text.slice(-2000)}`;
    for (const name of portNames) ports[name].end(why);
    return text;
  });
  return {
    ports,
    console,
    ended: machine.exited,
    async [Symbol.asyncDispose]() {
      machine.kill("SIGKILL");
      await machine.exited;
      for (const server of servers) server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface BootOrder {
  readonly image: MicrovmImage;
  readonly folder: string;
  /** Of the kernel. */
  readonly args: string;
}

// biome-ignore format: one device a line
function commandOf({ image, folder, args }: BootOrder): string[] {
  return [
    "qemu-system-x86_64", "-M", "microvm,rtc=on,acpi=on", "-cpu", emulatedProcessor, "-accel", "tcg",
    "-m", "256", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
    "-serial", "stdio",
    "-kernel", image.kernelPath, "-initrd", image.initramfsPath, "-append", args,
    "-drive", `id=root,file=${image.rootPath},format=raw,if=none,readonly=on`,
    "-device", "virtio-blk-device,drive=root",
    "-device", "virtio-rng-device",
    "-device", "virtio-serial-device",
    ...portNames.flatMap((name) => [
      "-chardev", `socket,id=${name},path=${join(folder, name)}`,
      "-device", `virtserialport,chardev=${name},name=reactor.${name}`,
    ]),
  ];
}
