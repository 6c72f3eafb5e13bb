/** What a configuration holds under a key such as "camera.source". */
export function valueAt(config: unknown, key: string): unknown {
  return key.split(".").reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], config);
}
