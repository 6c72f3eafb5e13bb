/** Types that hold a schema of zod and the type in `core` that it stands for together: the build fails when they part. */

/** What zod infers has no `readonly`. */
export type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;

/** `true` fits only if both are the same. */
export type IsSame<A, B> = [A, B] extends [B, A] ? true : never;
