/** All that crosses between the main thread and the vision worker. Pixels don't: they lie in the frame's shared memory. */
import type { ErrorCode } from "../core/errors.ts";
import type { Frame } from "../core/frame.ts";
import type { RunningModel, Search } from "../core/ports.ts";
import type { Observation } from "../core/verdict.ts";

/** Main thread to worker; one at a time, answered by `seen` or `failed`. */
export type Request =
  { readonly kind: "look"; readonly frame: Frame; readonly search: Search } | { readonly kind: "close" };

/** Worker to main thread; the first one is `ready`, or `failed` and the worker's end. */
export type Reply =
  | { readonly kind: "ready"; readonly model: RunningModel }
  | { readonly kind: "seen"; readonly observation: Observation }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };
