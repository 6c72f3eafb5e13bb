/** A client of the lease socket that speaks raw bytes to it. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { monotonicClock } from "../../src/io/clock.ts";
import {
  type Account,
  type Answer,
  answerSchema,
  leaseVersion,
  parseLine,
} from "../../src/io/lease-protocol.ts";

const clock = monotonicClock();

/** Keeps every answer; what is none fails the test. */
export class LeasePeer implements Disposable {
  readonly socket: Socket;
  readonly answers: Answer[] = [];
  isClosed = false;
  #text = "";

  constructor(socketPath: string) {
    this.socket = connect(socketPath);
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => (this.isClosed = true));
    this.socket.on("data", (data: Buffer) => {
      this.#text += data.toString();
      const lines = this.#text.split("\n");
      this.#text = lines.pop() ?? "";
      for (const line of lines) {
        const parsed = parseLine(answerSchema, line);
        if (parsed.kind !== "message") assert.fail(line);
        this.answers.push(parsed.message);
      }
    });
  }

  /** The line of an order of now. */
  order(order: object): string {
    return `${JSON.stringify({ version: leaseVersion, sentAtMs: clock.nowMs(), ...order })}\n`;
  }

  say(order: object): void {
    this.socket.write(this.order(order));
  }

  get account(): Account | undefined {
    return this.answers.findLast((answer) => answer.kind === "report");
  }

  get refusal(): string | undefined {
    return this.answers.find((answer) => answer.kind === "refused")?.reason;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
