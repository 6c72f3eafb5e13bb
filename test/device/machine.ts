/**
 * The virtual machine, from QEMU's start to its end. Its time is counted in instructions (-icount): one takes one ns, so that the
 * guest sees the same processor however busy the host is, and what the rows measure is guest time. While the guest has nothing to do,
 * its time runs with the host's.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { JsonLines, type Message } from "./json-lines.ts";

/** What test/device/build and scripts/test-device have made. */
export interface MachineImages {
  /** Folder with vmlinuz, initrd.img, base.squashfs and top.squashfs. */
  readonly folder: string;
  /** What the guest finds under /host. */
  readonly host: string;
}

/** How a command in the guest ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The host may be very busy: this bounds what hangs, and nothing is measured by it. */
const patienceMs = 45 * 60_000;
const diskBytes = 3 * 2 ** 30;
const memoryMebibytes = 1536;

/** One machine. Its disk lives as long as it does, over resets too. */
export class Machine implements AsyncDisposable {
  /** For files that last as long as the machine. */
  readonly folder: string;
  readonly #process: ChildProcess;
  #monitor: JsonLines | undefined;
  #agent: JsonLines | undefined;
  readonly #events: Message[] = [];
  #answered: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.#process = child;
  }

  /** Returns when systemd has started everything. */
  static async boot(images: MachineImages): Promise<Machine> {
    const folder = await mkdtemp(path.join(tmpdir(), "maskgate-device-"));
    const disk = path.join(folder, "disk");
    await run("truncate", ["-s", String(diskBytes), disk]);
    await run("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0", disk]);
    const log = openSync(path.join(folder, "qemu.log"), "w");
    // The guest does not notice how much of the host it gets, so it takes what is left over.
    const command = ["--pdeathsig", "KILL", "nice", "-n", "10", "qemu-system-x86_64"];
    const child = spawn("setpriv", [...command, ...qemuArguments(folder, images)], {
      stdio: ["ignore", log, log],
    });
    const machine = new Machine(folder, child);
    try {
      machine.#monitor = await machine.#connect("monitor");
      await machine.#monitor.receive(patienceMs);
      await machine.qmp("qmp_capabilities");
      await machine.untilUp();
      return machine;
    } catch (error) {
      process.stderr.write(`the end of the console:\n${(await machine.console()).slice(-3000)}\n`);
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits for the guest agent, and for systemd to be done with starting. */
  async untilUp(): Promise<string> {
    this.#agent?.[Symbol.dispose]();
    this.#agent = await this.#synchronized();
    return (await this.sh("systemctl is-system-running --wait", { check: false })).stdout.trim();
  }

  /** Runs a bash script as root in the guest; throws if it fails and `check` is not false. */
  async sh(script: string, { check = true }: { readonly check?: boolean } = {}): Promise<Outcome> {
    const env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", "LC_ALL=C.UTF-8"];
    const started = await this.#ask("guest-exec", {
      path: "/bin/bash",
      arg: ["-c", script],
      env,
      "capture-output": true,
    });
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 1000)) {
      const status = await this.#ask("guest-exec-status", { pid: started["pid"] });
      if (status["exited"] === true) return outcomeOf(script, status, check);
      await wait(pauseMs);
    }
  }

  /** Runs a command of QEMU's monitor. */
  async qmp(command: string, parameters: Message = {}): Promise<unknown> {
    if (!this.#monitor) throw new Error("the machine is not up");
    this.#monitor.send({ execute: command, arguments: parameters });
    for (;;) {
      const message = await this.#monitor.receive(patienceMs);
      if ("event" in message) this.#events.push(message);
      else return answerOf(message);
    }
  }

  /** Whether QEMU has told of this since it was last asked. */
  async hasHappened(event: string): Promise<boolean> {
    await this.qmp("query-status");
    const at = this.#events.findIndex((message) => message["event"] === event);
    if (at >= 0) this.#events.splice(at, 1);
    return at >= 0;
  }

  /** Plugs the image in as a USB stick. */
  async plug(image: string): Promise<void> {
    const file = { driver: "file", filename: image };
    await this.qmp("blockdev-add", { driver: "raw", "node-name": "stick", file });
    await this.qmp("device_add", {
      ...{ driver: "usb-storage", id: "stick", bus: "usb.0", drive: "stick" },
      ...{ serial: "stick", removable: true },
    });
  }

  /** Pulls the stick out. */
  async unplug(): Promise<void> {
    await this.qmp("device_del", { id: "stick" });
    while (!(await this.hasHappened("DEVICE_DELETED"))) await wait(50);
    // The first of these events is of a part of the stick, which still holds the image.
    for (let tries = 0; tries < 100; tries += 1) {
      if (await this.#forgets("stick")) return;
      await wait(100);
    }
    throw new Error("QEMU does not let go of the stick");
  }

  async #forgets(node: string): Promise<boolean> {
    return this.qmp("blockdev-del", { "node-name": node }).then(
      () => true,
      () => false,
    );
  }

  /** What the guest wrote to its serial console. */
  console(): Promise<string> {
    return this.#log("console");
  }

  /** What the bench's reader of the lines wrote, over all boots. */
  edgeLog(): Promise<string> {
    return this.#log("edges");
  }

  /** The kernel's own trace of levels that it was asked to set, over all boots. */
  traceLog(): Promise<string> {
    return this.#log("trace");
  }

  /** Ends the machine as a power cut does, and removes its disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent?.[Symbol.dispose]();
    this.#monitor?.[Symbol.dispose]();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  #log(name: string): Promise<string> {
    return readFile(path.join(this.folder, name), "latin1").catch(() => "");
  }

  /** One question at a time: the agent's answers do not say what they answer. */
  #ask(command: string, parameters: Message): Promise<Message> {
    const answer = this.#answered.then(async () => {
      if (!this.#agent) throw new Error("the guest agent is not there");
      this.#agent.send({ execute: command, arguments: parameters });
      return answerOf(await this.#agent.receive(patienceMs)) as Message;
    });
    this.#answered = answer.catch(() => undefined);
    return answer;
  }

  async #connect(name: string): Promise<JsonLines> {
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error(`QEMU ended: ${await this.#log("qemu.log")}`);
      try {
        return await JsonLines.connect(path.join(this.folder, name));
      } catch {
        await wait(100);
      }
    }
  }

  async #synchronized(): Promise<JsonLines> {
    const giveUpMs = performance.now() + patienceMs;
    for (let id = 1; performance.now() < giveUpMs; id += 1) {
      const agent = await this.#connect("agent");
      agent.send({ execute: "guest-sync-delimited", arguments: { id } }, "\xff");
      try {
        while ((await agent.receive(5000))["return"] !== id) continue;
        return agent;
      } catch {
        agent[Symbol.dispose]();
      }
    }
    throw new Error("the guest agent does not answer");
  }
}

function qemuArguments(folder: string, images: MachineImages): readonly string[] {
  const drive = (slot: string, file: string, more: string): readonly string[] => [
    ...["-drive", `if=none,id=d${slot},format=raw,file=${file},${more}`],
    ...["-device", `virtio-blk-pci,drive=d${slot},addr=${slot}`],
  ];
  const toHost = (name: string): readonly string[] => [
    ...["-chardev", `file,id=${name},path=${folder}/${name}`],
    ...["-device", `virtserialport,chardev=${name},name=${name}`],
  ];
  return [
    ...["-M", "q35", "-accel", "tcg,tb-size=512", "-icount", "shift=0,sleep=on", "-rtc", "clock=vm"],
    ...["-cpu", "max", "-smp", "1", "-m", String(memoryMebibytes), "-nodefaults", "-no-user-config"],
    ...["-display", "none", "-kernel", `${images.folder}/vmlinuz`, "-initrd", `${images.folder}/initrd.img`],
    "-append",
    "console=ttyS0 quiet panic=0 mitigations=off random.trust_cpu=on net.ifnames=0 no_timer_check",
    ...["-serial", `file:${folder}/console`, "-qmp", `unix:${folder}/monitor,server=on,wait=off`],
    ...[
      "-chardev",
      `socket,id=agent,path=${folder}/agent,server=on,wait=off`,
      "-device",
      "virtio-serial-pci",
    ],
    ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
    ...toHost("edges"),
    ...toHost("trace"),
    ...["-device", "i6300esb", "-action", "watchdog=none", "-device", "qemu-xhci,id=usb"],
    // In the order in which the guest names them: vda to vdd.
    ...drive("10", `${images.folder}/base.squashfs`, "readonly=on"),
    ...drive("11", `${images.folder}/top.squashfs`, "readonly=on"),
    ...drive("12", `${folder}/disk`, "cache=unsafe"),
    ...drive("13", images.host, "readonly=on"),
  ];
}

function outcomeOf(script: string, status: Message, check: boolean): Outcome {
  const text = (key: string): string => {
    const encoded = status[key];
    return typeof encoded === "string" ? Buffer.from(encoded, "base64").toString() : "";
  };
  const exitCode = Number(status["exitcode"] ?? -Number(status["signal"] ?? NaN));
  const outcome = { exitCode, stdout: text("out-data"), stderr: text("err-data") };
  if (check && exitCode !== 0) {
    throw new Error(`exit code ${exitCode} of: ${script}\n${outcome.stdout}${outcome.stderr}`.trimEnd());
  }
  return outcome;
}

function answerOf(message: Message): unknown {
  const error = message["error"];
  if (error !== undefined) throw new Error(String((error as Message)["desc"]));
  return message["return"];
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    stdio: "inherit",
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with exit code ${code ?? "none"}`);
}
