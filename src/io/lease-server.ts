/**
 * The holder's socket. Promises: one client at a time, any other is told so and turned away; whoever sends what is no order loses the
 * door and the connection; the end of a connection, however it comes, locks at once; nobody who reads slowly makes the memory grow.
 * Who may connect is the file system's answer: the socket's mode is 0660 and its folder is the holder's own. (The kernel's word
 * on the peer, SO_PEERCRED, is out of Node's reach without its private handles, and would say no more.)
 */
import { createServer, type Server, type Socket } from "node:net";
import { type HolderParts, LeaseHolder } from "./lease-holder.ts";
import {
  type Answer,
  leaseVersion,
  lineOf,
  longestLineBytes,
  orderSchema,
  parseLine,
} from "./lease-protocol.ts";
import { MessageLines } from "./message-lines.ts";
import { type ClaimedPath, listenAt, type SocketPlace } from "./status-socket.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

export interface LeaseServerOptions extends HolderParts {
  readonly place: SocketPlace;
  /** Heard at every tick, after it: whether the lock obeys, and whether a client is there. */
  readonly onTick: (isSound: boolean, hasPeer: boolean) => void;
}

/** Silence is noticed, and the state told again, this often. */
const tickMs = 50;
/** A client that leaves so much unread is told nothing more until it reads again: reports are levels, a newer one will do. */
const mostUnreadBytes = 16_384;

/** Listens from `open` on; closing it locks. */
export class LeaseServer implements AsyncDisposable {
  readonly #options: LeaseServerOptions;
  readonly #holder: LeaseHolder;
  readonly #net: Server;
  readonly #schedule: Schedule;
  #claimed: ClaimedPath | undefined;
  #peer: Socket | undefined;
  #cancelTick: () => void = () => undefined;

  private constructor(options: LeaseServerOptions, schedule: Schedule) {
    this.#options = options;
    this.#schedule = schedule;
    this.#holder = new LeaseHolder(options);
    this.#net = createServer((socket) => {
      this.#accept(socket);
    });
  }

  /** @throws KioskError socket-busy, socket-failed */
  static async open(options: LeaseServerOptions, schedule: Schedule = scheduleTimeout): Promise<LeaseServer> {
    const server = new LeaseServer(options, schedule);
    server.#claimed = await listenAt(server.#net, options.place);
    server.#tick();
    return server;
  }

  /** Tells the client what there is now: called when something happened at the door. */
  report(): void {
    if (this.#peer !== undefined && this.#peer.writableLength < mostUnreadBytes) {
      this.#peer.write(lineOf(this.#holder.account()));
    }
  }

  #accept(socket: Socket): void {
    // Whatever a socket's error is, its `close` follows.
    socket.on("error", () => undefined);
    if (this.#peer !== undefined) {
      this.#options.log.warn("a second client was refused");
      this.#refuse(socket, "another client has the door; there is one daemon for each holder");
      return;
    }
    this.#options.log.info("the daemon has connected");
    this.#peer = socket;
    this.#holder.greet();
    const lines = new MessageLines(longestLineBytes);
    socket.on("data", (chunk: Buffer) => {
      if (this.#peer === socket) this.#hear(socket, lines.push(chunk));
    });
    // Not only `close`, which waits until everything written has been taken.
    for (const end of ["end", "close"]) {
      socket.once(end, () => {
        this.#lose(socket, "the daemon is gone: locked");
      });
    }
    this.report();
  }

  #hear(socket: Socket, lines: readonly string[] | undefined): void {
    if (lines === undefined) {
      this.#expel(socket, `a line is longer than ${longestLineBytes} bytes`);
      return;
    }
    for (const line of lines) {
      const parsed = parseLine(orderSchema, line);
      const refusal = parsed.kind === "nonsense" ? parsed.reason : this.#holder.obey(parsed.message);
      if (refusal !== undefined) {
        this.#expel(socket, refusal);
        return;
      }
    }
    this.report();
  }

  #expel(socket: Socket, reason: string): void {
    this.#lose(socket, "the client makes no sense: locked", reason);
    this.#refuse(socket, reason);
  }

  #lose(socket: Socket, message: string, reason?: string): void {
    if (this.#peer !== socket) return;
    this.#peer = undefined;
    this.#holder.lose();
    this.#options.log.warn(reason === undefined ? {} : { reason }, message);
  }

  #refuse(socket: Socket, reason: string): void {
    const sentAtMs = this.#options.clock.nowMs();
    const refusal: Answer = { version: leaseVersion, sentAtMs, kind: "refused", reason };
    socket.end(lineOf(refusal), () => {
      socket.destroy();
    });
  }

  #tick(): void {
    this.#cancelTick = this.#schedule(() => {
      this.#tick();
    }, tickMs);
    this.#holder.tick();
    this.report();
    this.#options.onTick(this.#holder.isSound, this.#peer !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTick();
    this.#claimed?.release();
    const closed = new Promise<void>((resolve) => {
      this.#net.close(() => {
        resolve();
      });
    });
    const peer = this.#peer;
    if (peer !== undefined) {
      this.#lose(peer, "the holder stops: locked");
      peer.destroy();
    }
    await closed;
  }
}
