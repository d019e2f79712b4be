/** Runs a short command of this machine: bounded in time and output, and its failure is a sentence. */

import { searchPath } from './executables.ts';

export type Command = readonly [string, ...string[]];

export const limitMs = 15_000;
export const maxOutputBytes = 1 << 20;

/** Its standard output. Rejects with its exit code and the end of its standard error. */
export async function runCommand(command: Command, input = ''): Promise<string> {
  const { execa } = await import('execa');
  const [file, ...args] = command;
  const result = await execa(file, args, {
    input,
    env: { PATH: searchPath() },
    timeout: limitMs,
    killSignal: 'SIGKILL',
    maxBuffer: maxOutputBytes,
    reject: false,
    stripFinalNewline: false,
  });
  if (!result.failed) return result.stdout;
  const how = result.timedOut
    ? `did not end within ${limitMs / 1000} s`
    : result.code === 'ENOENT'
      ? 'is not installed here'
      : `failed with ${result.exitCode === undefined ? (result.signal ?? result.code) : `exit code ${result.exitCode}`}`;
  throw failure(command, how, result.stderr || result.stdout || '');
}

/** The sentence for a command that failed. @param said the end of what it said. */
export function failure(command: Command, how: string, said: string): Error {
  const end = said.trim().slice(-500);
  return new Error(`${command.join(' ')} ${how}${end ? `: ${end}` : ''}`);
}
