/**
 * A pipe of the kernel's, for what a supervised command writes. Bun's own `"pipe"` is a socket, which
 * a program can't open by its name: `echo >/dev/stderr`, and nginx, fail on it with ENXIO.
 */

import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

/** No child inherits either end but the one whose output it is given as. */
export interface Pipe extends Disposable {
  /** For `stdout` or `stderr` of `Bun.spawn`. */
  readonly writeEnd: number;
  /** To be called after the spawn: only then does the stream end with the child and its children. */
  closeWriteEnd(): void;
  /** What is written to it; once. */
  stream(): ReadableStream<Uint8Array>;
  /** Closes both ends. */
  [Symbol.dispose](): void;
}

/** @throws Error without a C library that is known, or where no more files can be opened */
export function openPipe(): Pipe {
  createPipe ??= findCreatePipe();
  const ends = new Int32Array(2);
  if (createPipe(ends) !== 0) throw new Error("no pipe can be opened: too many files are open");
  const [readEnd = -1, writeEnd = -1] = ends;
  let isWritable = true;
  const closeWriteEnd = () => {
    if (isWritable) closeSync(writeEnd);
    isWritable = false;
  };
  return {
    writeEnd,
    closeWriteEnd,
    // Bun reads from a copy of its own, so this end is ours to close, at the end of the stream too.
    stream: () => Bun.file(readEnd).stream(),
    [Symbol.dispose]() {
      closeWriteEnd();
      closeSync(readEnd);
    },
  };
}

type CreatePipe = (ends: Int32Array) => number;

let createPipe: CreatePipe | undefined;

/** The C library by its name on each system; on Linux glibc's, then musl's. */
const LIBRARIES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`],
  darwin: ["libSystem.B.dylib"],
};

/** Linux' O_CLOEXEC, on x64 and arm64. macOS has none for a pipe: there Bun closes all but the three. */
const CLOSE_ON_EXEC = 0o2000000;

function findCreatePipe(): CreatePipe {
  for (const library of LIBRARIES[process.platform] ?? []) {
    try {
      return process.platform === "darwin" ? pipeOf(library) : pipe2Of(library);
    } catch {
      // Another C library than this one: the next is tried.
    }
  }
  throw new Error(`no C library is known on ${process.platform}`);
}

function pipeOf(library: string): CreatePipe {
  const { symbols } = dlopen(library, { pipe: { args: [FFIType.ptr], returns: FFIType.i32 } });
  return (ends) => symbols.pipe(ptr(ends));
}

function pipe2Of(library: string): CreatePipe {
  const signature = { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 } as const;
  const { symbols } = dlopen(library, { pipe2: signature });
  return (ends) => symbols.pipe2(ptr(ends), CLOSE_ON_EXEC);
}
