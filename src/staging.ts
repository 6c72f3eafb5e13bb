/**
 * Tries a candidate in a process of its own: ONNX Runtime blocks its thread, TensorRT for minutes, and a load that hangs in native
 * code can only be killed. Meanwhile the updater tells what it does and keeps its limits.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { KioskError, type ErrorCode } from "./core/errors.ts";
import type { RunningModel } from "./core/ports.ts";
import type { ClassifierSettings } from "./vision/classifier.ts";

/** What the process is to load, and what the float graph must say of the pictures in `golden.bin`. */
export interface StagingJob {
  readonly classifier: ClassifierSettings;
  readonly golden: {
    readonly masked: readonly number[];
    readonly tolerance: number;
    readonly pictureBytes: number;
  };
}

/** The one message that comes back; a failure without a code is a bug or the machine's. */
export type StagingReply =
  | { readonly kind: "passed"; readonly model: RunningModel }
  | { readonly kind: "failed"; readonly code: ErrorCode | null; readonly message: string };

const stagingProgram = fileURLToPath(new URL("./staging-process.js", import.meta.url));

/**
 * Loads and tests a candidate. The process is gone when this ends, however it ends; an abort kills it.
 * @returns what ran, and on which provider
 * @throws what the test found, and KioskError update-failed if the process died of it
 */
export async function stage(
  job: StagingJob,
  signal: AbortSignal,
  program = stagingProgram,
): Promise<RunningModel> {
  signal.throwIfAborted();
  const child = fork(program, [String(process.pid)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const gone = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", kill);
  try {
    const reply = replyOf(child);
    child.send(job, () => undefined);
    return passed(await reply);
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    await gone;
  }
}

async function replyOf(child: ChildProcess): Promise<StagingReply> {
  const died = once(child, "close").then(([code, signal]) => {
    const how = signal === null ? `with code ${String(code)}` : `by ${String(signal)}`;
    const text = `the process that tested the model ended ${how}; the journal may say more, such as too little memory`;
    throw new KioskError("update-failed", text);
  });
  const said = once(child, "message").then(([reply]) => reply as StagingReply);
  return Promise.race([said, died]);
}

function passed(reply: StagingReply): RunningModel {
  if (reply.kind === "passed") return reply.model;
  throw reply.code === null ? new Error(reply.message) : new KioskError(reply.code, reply.message);
}
