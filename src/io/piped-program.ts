/**
 * One run of a program that writes frames to file descriptor 3, or to stdout if it can't be told otherwise. Its other outputs
 * are kept as last words only: camera stacks (Argus, for one) print to stdout whatever they are told.
 * Promises: the end is reported once, after the last byte; stopping ends the whole process group for certain; the
 * program does not outlive this process, also when that is killed with SIGKILL while the program is silent.
 */
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { messageOf } from "../core/errors.ts";
import { LastLines } from "./last-lines.ts";

/** The file descriptor that a program writes frames to, unless its command says `stdout`. */
export const frameFd = 3;

/** How long a program may take after the polite signal, or its pipe after its end, before it is ended by force. */
const graceMs = 1000;

/** A program to run, without a shell. */
export interface Command {
  /** Path of `setpriv` (util-linux), which ties the life of the program to ours. */
  readonly setpriv: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Where its frames come out; `pipe` is `frameFd`. */
  readonly framesOn: "pipe" | "stdout";
  /** The polite request to end. */
  readonly stopSignal: "SIGINT" | "SIGTERM";
}

/** How a run ended. */
export interface ProgramEnd {
  /** Exit code, or undefined if a signal ended it or it could not be started. */
  readonly exitCode: number | undefined;
  /** For people: "exit code 1", "signal SIGKILL". */
  readonly how: string;
  readonly lastLines: readonly string[];
}

/** What a run tells its owner. */
export interface ProgramEvents {
  onChunk(chunk: Buffer): void;
  onEnd(end: ProgramEnd): void;
}

/** A running program; ends by itself, by stop() or by disposal. */
export class PipedProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #frames: Readable | undefined;
  readonly #lastLines = new LastLines();
  readonly #stopSignal: NodeJS.Signals;
  readonly #ended: Promise<void>;
  #events: ProgramEvents | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(command: Command, events: ProgramEvents) {
    this.#events = events;
    this.#stopSignal = command.stopSignal;
    // The kernel sends the death signal when this process dies, so that a silent program does not keep the camera busy.
    this.#child = spawn(command.setpriv, ["--pdeathsig", "KILL", "--", command.program, ...command.args], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, LC_ALL: "C", GST_DEBUG_NO_COLOR: "1" },
    });
    const fd = command.framesOn === "pipe" ? frameFd : 1;
    this.#frames = (this.#child.stdio[fd] ?? undefined) as Readable | undefined;
    this.#frames?.on("data", (chunk: Buffer) => this.#events?.onChunk(chunk));
    for (const stream of [this.#child.stdout, this.#child.stderr, this.#frames])
      stream?.on("error", () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr].filter((found) => found !== this.#frames)) {
      stream?.setEncoding("utf8").on("data", this.#lastLines.newStream());
    }
    this.#child.on("exit", () => {
      this.#drain();
    });
    this.#child.on("error", (error) => {
      this.#lastLines.add(messageOf(error));
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", () => {
        this.#end();
        resolve();
      });
    });
  }

  /** The program waits in its next write; what it does with newer frames meanwhile is its pipeline's affair. */
  pause(): void {
    this.#frames?.pause();
  }

  resume(): void {
    this.#frames?.resume();
  }

  /** Asks the program to end and ends it by force after a grace. The end is reported as any other. */
  stop(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#signalGroup(this.#stopSignal);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#signalGroup("SIGKILL");
    }, graceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events = undefined;
    this.resume();
    this.stop();
    await this.#ended;
  }

  /** The program is gone; whoever it left behind in its group must not keep the camera or the pipe. */
  #drain(): void {
    this.#signalGroup("SIGKILL");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const stream of this.#child.stdio) stream?.destroy();
    }, graceMs);
  }

  #end(): void {
    clearTimeout(this.#timer);
    const { exitCode, signalCode } = this.#child;
    const hasStarted = exitCode !== null && exitCode >= 0;
    const how =
      signalCode !== null ? `signal ${signalCode}` : hasStarted ? `exit code ${exitCode}` : "not started";
    this.#events?.onEnd({
      exitCode: hasStarted ? exitCode : undefined,
      how,
      lastLines: this.#lastLines.list(),
    });
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group is gone already, which is what the signal is for.
    }
  }
}
