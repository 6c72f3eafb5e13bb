/** JSON messages, one a line, over a Unix socket: how QEMU's monitor and the guest agent speak. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";

export type Message = Readonly<Record<string, unknown>>;

/** One conversation. What comes is kept until it is asked for. */
export class JsonLines implements Disposable {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #received: Message[] = [];
  #waiting: ((message: Message) => void) | undefined;
  #refuse: ((error: Error) => void) | undefined;
  #end: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    this.#lines.on("line", (line) => {
      // The agent marks the beginning of its answer to a synchronization with a byte that is no text.
      const text = line.slice(line.indexOf("{"));
      if (text.startsWith("{")) this.#take(JSON.parse(text) as Message);
    });
    socket.on("error", (error) => {
      this.#fail(error);
    });
    socket.on("close", () => {
      this.#fail(new Error("the other side has closed the conversation"));
    });
  }

  static async connect(path: string): Promise<JsonLines> {
    const socket = connect(path);
    await once(socket, "connect");
    return new JsonLines(socket);
  }

  send(message: Message, prefix = ""): void {
    this.#socket.write(
      Buffer.concat([Buffer.from(prefix, "latin1"), Buffer.from(`${JSON.stringify(message)}\n`)]),
    );
  }

  /** The next message, in the order of their arrival. */
  async receive(limitMs: number): Promise<Message> {
    const first = this.#received.shift();
    if (first) return first;
    if (this.#end) throw this.#end;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Message>((resolve, reject) => {
        this.#waiting = resolve;
        this.#refuse = reject;
        timer = setTimeout(() => {
          reject(new Error(`no answer within ${limitMs / 1000} s`));
        }, limitMs);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
      this.#refuse = undefined;
    }
  }

  /** What came and was not asked for. */
  drain(): readonly Message[] {
    return this.#received.splice(0);
  }

  [Symbol.dispose](): void {
    this.#lines.close();
    this.#socket.destroy();
  }

  #take(message: Message): void {
    if (this.#waiting) this.#waiting(message);
    else this.#received.push(message);
    this.#waiting = undefined;
  }

  #fail(error: Error): void {
    this.#end ??= error;
    this.#refuse?.(error);
  }
}
