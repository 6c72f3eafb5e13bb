/** Keeps the last lines that a program said, in bounded memory however much it talks. */

const maxLines = 40;
const maxLineChars = 400;

/** The last lines of all text streams of one program, in the order in which they were ended. */
export class LastLines {
  readonly #lines: string[] = [];

  /** Takes the text of one stream; lines of different streams do not run into each other. */
  newStream(): (text: string) => void {
    let open = "";
    return (text) => {
      const parts = (open + text).split(/\r?\n/);
      open = (parts.pop() ?? "").slice(0, maxLineChars);
      for (const part of parts.slice(-maxLines)) this.add(part);
    };
  }

  add(line: string): void {
    const text = line.trim().slice(0, maxLineChars);
    if (text === "") return;
    this.#lines.push(text);
    if (this.#lines.length > maxLines) this.#lines.shift();
  }

  /** What was kept, oldest first. */
  list(): readonly string[] {
    return [...this.#lines];
  }
}
