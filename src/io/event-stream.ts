/** Reads server-sent events from pieces of text, cut anywhere. Holds at most one unfinished event, of bounded size. */

export interface ServerEvent {
  readonly id: string;
  readonly name: string;
  readonly data: string;
}

const mostChars = 1024 * 1024;

/** A parser with memory: takes the next piece of the stream, returns the events that it completes. */
export function eventStreamParser(): (piece: string) => readonly ServerEvent[] {
  let rest = "";
  let id = "";
  return (piece) => {
    // A CR at the end of a piece may be the first half of a CRLF: it waits for the next piece.
    const text = rest + piece;
    const isCut = text.endsWith("\r");
    const blocks = (isCut ? text.slice(0, -1) : text).replaceAll(/\r\n?/g, "\n").split("\n\n");
    rest = (blocks.pop() ?? "") + (isCut ? "\r" : "");
    if (rest.length > mostChars) throw new RangeError(`an event of more than ${mostChars} characters`);
    return blocks.flatMap((block) => {
      const event = readEvent(block, id);
      id = event.id;
      return event.data === undefined ? [] : [{ id, name: event.name, data: event.data }];
    });
  };
}

function readEvent(block: string, lastId: string): { id: string; name: string; data: string | undefined } {
  const event: { id: string; name: string; data: string | undefined } = {
    id: lastId,
    name: "message",
    data: undefined,
  };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") event.id = value;
    if (field === "event") event.name = value;
    if (field === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
  }
  return event;
}
