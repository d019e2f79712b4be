/**
 * A shell of this machine that stands by for short commands, one after the other: to start a process from the rig
 * itself takes many times longer, and most of the time of a fault goes into that. It ends with its standard input, so
 * with the rig. What it is asked, and what comes back, is as with `runCommand`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { searchPath } from './executables.ts';
import { type Command, failure, limitMs, maxOutputBytes } from './run-command.ts';

export class Shell {
  #child: ChildProcess | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  /** The command's standard output. Rejects with its exit code and the end of its standard error. */
  run(command: Command, input = ''): Promise<string> {
    const result = this.#queue.then(() => this.#run(command, input));
    this.#queue = result.catch(() => {});
    return result;
  }

  close(): void {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }

  async #run(command: Command, input: string): Promise<string> {
    const child = this.#standingBy();
    const mark = randomUUID();
    const text = input === '' || input.endsWith('\n') ? input : `${input}\n`;
    const words = command.map(quoted).join(' ');
    const ends = `printf '\\n${mark} %s\\n' $?; printf '\\n${mark} -\\n' >&2`;
    child.stdin?.write(`${words} <<'${mark}'\n${text}${mark}\n${ends}\n`);
    try {
      const [stdout, stderr] = await Promise.all([
        this.#until(mark, child, child.stdout),
        this.#until(mark, child, child.stderr),
      ]);
      if (stdout.word === '0') return stdout.text;
      throw failure(command, `failed with exit code ${stdout.word}`, stderr.text || stdout.text);
    } catch (error) {
      if (error instanceof Halted) {
        this.close();
        throw failure(command, error.message, '');
      }
      throw error;
    }
  }

  #standingBy(): ChildProcess {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) return this.#child;
    const child = spawn('sh', [], { detached: true, stdio: 'pipe', cwd: '/', env: { PATH: searchPath() } });
    child.on('error', () => {}); // What waits for it hears of its end.
    child.stdin.on('error', () => {});
    child.unref();
    for (const end of child.stdio) (end as unknown as { unref?(): void } | null)?.unref?.();
    this.#child = child;
    return child;
  }

  /** What comes until a line with the mark, and the word after it. */
  #until(
    mark: string,
    child: ChildProcess,
    stream: NodeJS.ReadableStream | null,
  ): Promise<{ text: string; word: string }> {
    return new Promise((resolve, reject) => {
      let text = '';
      const settle = (act: () => void) => {
        clearTimeout(late);
        stream?.off('data', take);
        child.off('close', ended).off('error', ended);
        act();
      };
      const take = (chunk: Buffer) => {
        text += chunk.toString('latin1');
        const at = text.indexOf(`\n${mark} `);
        if (at >= 0 && text.endsWith('\n')) {
          const word = text.slice(at + mark.length + 2).trim();
          settle(() => resolve({ text: text.slice(0, at), word }));
        } else if (text.length > maxOutputBytes) settle(() => reject(new Halted('said too much')));
      };
      const ended = () => settle(() => reject(new Halted('was cut short')));
      const late = setTimeout(
        () => settle(() => reject(new Halted(`did not end within ${limitMs / 1000} s`))),
        limitMs,
      );
      stream?.on('data', take);
      child.once('close', ended).once('error', ended);
    });
  }
}

/** The shell itself cannot be used any more. */
class Halted extends Error {}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
