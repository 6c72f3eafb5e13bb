/**
 * Which size the pictures of a GStreamer camera have before its pipeline scales them: nothing that comes out of it can tell.
 * Promises: an answer within the limit, and when it is there the program has ended, whatever it was doing.
 */
import { findProgram } from "./find-program.ts";
import { type PipelineSettings, printedPipeline } from "./gstreamer-pipeline.ts";
import { PipedProgram } from "./piped-program.ts";

export interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Long before this the source has said what it gives. */
const mostChars = 100_000;

/** Needs the camera for itself. Undefined if its pipeline does not tell, or not in time. */
export async function sourceSize(
  settings: PipelineSettings & { readonly program: string },
  limitMs: number,
): Promise<Size | undefined> {
  const [setpriv, program] = [await findProgram("setpriv"), await findProgram(settings.program)];
  if (setpriv === undefined || program === undefined) return undefined;
  const command = { setpriv, program, args: printedPipeline(settings), stopSignal: "SIGINT" } as const;
  let answer: (size?: Size) => void = () => undefined;
  const answered = new Promise<Size | undefined>((resolve) => (answer = resolve));
  const limit = setTimeout(() => {
    answer();
  }, limitMs);
  let printed = "";
  await using _run = new PipedProgram(
    { ...command, framesOn: "stdout" },
    {
      onChunk: (chunk) => {
        if (printed.length < mostChars) printed += chunk.toString();
        const size = sizeIn(printed);
        if (size !== undefined) answer(size);
      },
      onEnd: () => {
        answer();
      },
    },
  );
  const size = await answered;
  clearTimeout(limit);
  return size;
}

/** Of the first whole line that tells the caps of pictures with a size: the source's own, as caps travel downstream. */
export function sizeIn(printed: string): Size | undefined {
  const lines = printed.split("\n").slice(0, -1);
  for (const line of lines) {
    if (!/ caps = (video|image)\//.test(line)) continue;
    const [, widthPx] = /[ ,]width=\(int\)(\d+)/.exec(line) ?? [];
    const [, heightPx] = /[ ,]height=\(int\)(\d+)/.exec(line) ?? [];
    if (widthPx !== undefined && heightPx !== undefined)
      return { widthPx: Number(widthPx), heightPx: Number(heightPx) };
  }
  return undefined;
}
