/**
 * The daemon's connection to the holder. Promises: it is made again whenever it is lost; its first word is always "lock"; `fault` tells at any
 * time why orders do not reach the lines; a holder that does not read makes nothing grow, because an order is said again in the next cycle.
 */
import { connect, type Socket } from "node:net";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { Backoff } from "./backoff.ts";
import {
  type Account,
  answerSchema,
  leaseVersion,
  lineOf,
  longestLineBytes,
  type Order,
  parseLine,
} from "./lease-protocol.ts";
import type { Log } from "./log.ts";
import { MessageLines } from "./message-lines.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

export interface LinkOptions {
  readonly socketPath: string;
  /** A holder that says nothing, or obeys nothing, for so long does not live. */
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears each report as it comes, so that none of what happened at the door is missed. */
  readonly onAccount?: (account: Account) => void;
}

/** An order before it is sent. */
export type Wish = Order extends infer Each
  ? Each extends Order
    ? Omit<Each, "version" | "sentAtMs">
    : never
  : never;

interface Trouble {
  readonly reason: string;
  readonly mend: string;
}

const unwell = (reason: string): Trouble => ({ reason, mend: "see systemctl status maskgate-door" });
/** One of the two was left running during an upgrade, and looks healthy to systemd. */
const foreign = (reason: string): Trouble => ({
  reason: `speaks another language (${reason})`,
  mend: "systemctl restart maskgate-door maskgate",
});

const retryMinMs = 100;
const retryMaxMs = 1000;
const mostUnreadBytes = 16_384;

export class LeaseLink implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #schedule: Schedule;
  readonly #backoff = new Backoff(retryMinMs, retryMaxMs);
  #socket: Socket | undefined;
  #account: Account | undefined;
  /** Why there is no connection that works; the holder's own words if it had any. */
  #trouble: Trouble = unwell("it has not been asked yet");
  #connectedAtMs = 0;
  #lastSentAtMs = 0;
  #unheardSinceMs: number | undefined;
  #onSettled: () => void = () => undefined;
  #cancelRetry: () => void = () => undefined;
  #isDisposed = false;

  private constructor(options: LinkOptions, schedule: Schedule) {
    this.#options = options;
    this.#schedule = schedule;
  }

  /** Returns after the holder's first report, or when it is clear that none comes soon: it goes on trying. */
  static async open(options: LinkOptions, schedule: Schedule = scheduleTimeout): Promise<LeaseLink> {
    const link = new LeaseLink(options, schedule);
    await new Promise<void>((resolve) => {
      const cancel = schedule(resolve, options.silenceMs);
      link.#onSettled = () => {
        cancel();
        resolve();
      };
      link.#connect();
    });
    return link;
  }

  /** The newest report, also of a connection that is lost by now. */
  get account(): Account | undefined {
    return this.#account;
  }

  /** Why orders do not reach the lines now. */
  get fault(): KioskError | undefined {
    const trouble = this.#troubleNow();
    if (trouble === undefined) return undefined;
    const what = `${this.#options.socketPath}: the holder of the door's lines: ${trouble.reason}`;
    return new KioskError("holder-gone", `${what}; ${trouble.mend}; the door stays locked`);
  }

  send(wish: Wish): void {
    const socket = this.#socket;
    if (socket?.readyState !== "open" || socket.writableLength > mostUnreadBytes) return;
    const sentAtMs = this.#options.clock.nowMs();
    this.#lastSentAtMs = sentAtMs;
    this.#unheardSinceMs ??= sentAtMs;
    socket.write(lineOf({ version: leaseVersion, sentAtMs, ...wish }));
  }

  #troubleNow(): Trouble | undefined {
    if (this.#socket?.readyState !== "open") return this.#trouble;
    const reason = this.#reasonOfOpen();
    return reason === undefined ? undefined : unwell(reason);
  }

  /** Why a connection that is there is of no use. */
  #reasonOfOpen(): string | undefined {
    const { clock, silenceMs } = this.#options;
    const nowMs = clock.nowMs();
    const toldAtMs = Math.max(this.#account?.sentAtMs ?? 0, this.#connectedAtMs);
    if (nowMs - toldAtMs > silenceMs) return `silent for ${Math.round(nowMs - toldAtMs)} ms`;
    if (this.#account === undefined || this.#account.sentAtMs < this.#connectedAtMs)
      return "not heard of yet";
    const unheardMs = nowMs - (this.#unheardSinceMs ?? nowMs);
    return unheardMs > silenceMs ? `has obeyed nothing for ${Math.round(unheardMs)} ms` : undefined;
  }

  #connect(): void {
    const { clock, socketPath, log } = this.#options;
    const socket = connect(socketPath);
    const lines = new MessageLines(longestLineBytes);
    this.#socket = socket;
    this.#unheardSinceMs = undefined;
    socket.on("connect", () => {
      this.#connectedAtMs = clock.nowMs();
      this.#trouble = unwell("closed the connection");
      this.send({ kind: "lock" });
    });
    socket.on("data", (chunk: Buffer) => {
      this.#hear(socket, lines.push(chunk));
    });
    socket.on("error", (error) => {
      this.#trouble = unwell(explained(error));
    });
    socket.once("close", () => {
      const workedMs = this.#connectedAtMs === 0 ? 0 : clock.nowMs() - this.#connectedAtMs;
      this.#connectedAtMs = 0;
      if (this.#socket === socket) this.#socket = undefined;
      this.#onSettled();
      if (this.#isDisposed) return;
      log.debug({ reason: this.#trouble.reason }, "no connection to the holder");
      this.#cancelRetry = this.#schedule(() => {
        this.#connect();
      }, this.#backoff.waitMs(workedMs));
    });
  }

  #hear(socket: Socket, lines: readonly string[] | undefined): void {
    for (const line of lines ?? [""]) {
      const parsed = parseLine(answerSchema, line);
      const answer = parsed.kind === "message" ? parsed.message : undefined;
      if (answer?.kind === "report") this.#take(answer);
      else {
        this.#trouble =
          answer === undefined ? foreign(nonsense(parsed)) : unwell(`refuses: ${answer.reason}`);
        socket.destroy();
        return;
      }
    }
  }

  #take(account: Account): void {
    this.#account = account;
    const heardAtMs = account.heardAtMs ?? -Infinity;
    if (heardAtMs >= this.#lastSentAtMs) this.#unheardSinceMs = undefined;
    else if (this.#unheardSinceMs !== undefined)
      this.#unheardSinceMs = Math.max(this.#unheardSinceMs, heardAtMs);
    this.#options.onAccount?.(account);
    this.#onSettled();
  }

  /** Says "lock", and does not wait for a holder that does not read. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#cancelRetry();
    const socket = this.#socket;
    if (socket === undefined) return;
    this.send({ kind: "lock" });
    await new Promise<void>((resolve) => {
      const cancel = this.#schedule(() => socket.destroy(), this.#options.silenceMs);
      socket.once("close", () => {
        cancel();
        resolve();
      });
      if (socket.readyState === "open") socket.end();
      else socket.destroy();
    });
  }
}

function nonsense(parsed: ReturnType<typeof parseLine>): string {
  return parsed.kind === "nonsense" ? parsed.reason : "";
}

function explained(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return "nobody listens there";
    case "EACCES":
      return "no permission to connect, this user is not in the socket's group";
    default:
      return messageOf(error);
  }
}
