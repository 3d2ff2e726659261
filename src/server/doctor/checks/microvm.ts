import { kernelPackage } from "../../../drivers/microvm/images/find-kernel.ts";
import { imagePackages } from "../../../drivers/microvm/images/image-tools.ts";
import type { Finding } from "../finding.ts";
import { checkFirecracker } from "./firecracker.ts";
import type { ImageStock } from "../image-stock.ts";
import type { Machine } from "../machine.ts";

const timeoutMs = 10_000;

/** What microVMs need beside QEMU: what speeds them up, and what their images are made of. */
export async function checkMicrovm(
  machine: Machine,
  stock: ImageStock,
  options: { readonly asksApt: boolean },
): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    checkKvm(machine),
    checkImageTools(machine),
    checkKernel(stock, options),
    checkImages(stock),
  ]);
  return [...findings, ...(await checkFirecracker(machine))];
}

async function checkKvm(machine: Machine): Promise<Finding> {
  const cpu = (await machine.read("/proc/cpuinfo")) ?? "";
  const flags = /\b(vmx|svm)\b/.exec(cpu)?.[1];
  if (await machine.mayUse("/dev/kvm")) {
    return {
      name: "kvm",
      state: "ok",
      found: `/dev/kvm is open to this user, CPU flag ${flags ?? "none"}`,
      means: "microVMs may use it; whether it really works only shows by booting one",
    };
  }
  return {
    name: "kvm",
    state: "missing",
    found: "no usable /dev/kvm",
    means: "microVMs run on emulation, which is slower",
    remedy: "enable virtualisation, and add the server's user to the group kvm",
  };
}

async function checkImageTools(machine: Machine): Promise<Finding> {
  const name = "image tools";
  const found: string[] = [];
  const packages = new Set<string>();
  for (const [tool, packageName] of Object.entries(imagePackages)) {
    if ((await machine.find(tool)) === undefined) packages.add(packageName);
    else found.push(tool);
  }
  const isShared = await needsLibraries(machine, "busybox");
  if (isShared) packages.add(imagePackages.busybox);
  if (packages.size === 0) {
    const means = "images of microVMs can be built: reactor microvm build";
    return { name, state: "ok", found: found.join(", "), means };
  }
  return {
    name,
    state: "missing",
    found: `${found.join(", ") || "none"}${isShared ? "; busybox needs shared libraries" : ""}`,
    means: "no image of a microVM can be built",
    remedy: `apt-get install ${[...packages].join(" ")}`,
  };
}

/** The first program of a machine has no libraries yet. */
async function needsLibraries(machine: Machine, tool: string): Promise<boolean> {
  const [ldd, file] = await Promise.all([machine.find("ldd"), machine.find(tool)]);
  if (ldd === undefined || file === undefined) return false;
  return (await machine.run(ldd, [file], { timeoutMs })).stdout.includes("=>");
}

async function checkKernel(
  stock: ImageStock,
  { asksApt }: { readonly asksApt: boolean },
): Promise<Finding> {
  const name = "microVM kernel";
  const kernel = stock.kernel();
  if (kernel !== undefined) {
    return { name, state: "ok", found: kernel, means: "images of microVMs can be built with it" };
  }
  const noImage = { name, state: "missing", means: "no image of a microVM can be built" } as const;
  const why = stock.whyNoKernelIsKnown();
  if (why === "no apt") {
    const remedy = "install a kernel with its modules (/boot/vmlinuz-*, /lib/modules)";
    return { ...noImage, found: "none here, and no apt to fetch one with", remedy };
  }
  if (why === "no lists") {
    const found = "none here, and apt has no lists of packages";
    return { ...noImage, found, remedy: "apt-get update" };
  }
  if (!asksApt) {
    return {
      name,
      state: "missing",
      found: "none here; apt was not asked, which can take seconds",
      means: `reactor microvm build fetches and unpacks ${kernelPackage} where apt knows it`,
      remedy: "reactor microvm build    (reactor doctor --ask-apt only asks)",
    };
  }
  if (await stock.isKernelKnown()) {
    return {
      name,
      state: "ok",
      found: `none here; apt knows ${kernelPackage}`,
      means: "reactor microvm build fetches and unpacks it, without installing it",
    };
  }
  const remedy = `apt-get update, or apt-get install ${kernelPackage}`;
  return { ...noImage, found: "none here, and apt knows none", remedy };
}

async function checkImages(stock: ImageStock): Promise<Finding> {
  const name = "microVM images";
  const images = await stock.images();
  if (images.length > 0) {
    const means = "microVMs can boot; which are current: reactor microvm list";
    return { name, state: "ok", found: [...new Set(images)].join(", "), means };
  }
  return {
    name,
    state: "missing",
    found: "none was built",
    means: "the first deploy of a microVM function builds its runtime's, and takes as long",
    remedy: "reactor microvm build",
  };
}
