/** Finds the Docker engine: where `DOCKER_HOST` says, otherwise at the usual sockets, the first that answers. */

import { once } from 'node:events';
import { homedir } from 'node:os';
import path from 'node:path';
import type Dockerode from 'dockerode';

const answerMs = 5_000;

/**
 * An engine whose every answer fails that is silent for so long; 0 is for ever, for what may take its time.
 * Rejects with a sentence that says what was tried and what to do.
 */
export async function findEngine(silenceMs = 30_000): Promise<Dockerode> {
  const { default: Engine } = await import('dockerode');
  const tried: string[] = [];
  for (const [where, options] of places()) {
    try {
      const engine = new Engine({ ...options, timeout: silenceMs });
      await answers(engine);
      return engine;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const hint = code === 'EACCES' ? ', which only members of the group docker and root may use' : '';
      tried.push(`${where}: ${message}${hint}`);
    }
  }
  throw new Error(
    `no Docker engine answers (${tried.join('; ')}). Start one, or set DOCKER_HOST; on a bare Debian machine ` +
      '`.ci/engine` installs and starts one. Without an engine use --host netns or --host loopback where the cluster offers it',
  );
}

async function answers(engine: Dockerode): Promise<void> {
  const late = AbortSignal.timeout(answerMs);
  const silence = once(late, 'abort').then(() => {
    throw new Error(`no answer within ${answerMs / 1000} s`);
  });
  await Promise.race([engine.ping(), silence]);
}

function places(): readonly (readonly [where: string, options: Dockerode.DockerOptions])[] {
  const named = process.env['DOCKER_HOST'];
  if (named) return [[`DOCKER_HOST=${named}`, {}]];
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const sockets = [
    '/var/run/docker.sock',
    path.join(homedir(), '.docker', 'run', 'docker.sock'),
    ...(runtime ? [path.join(runtime, 'docker.sock')] : []),
  ];
  return sockets.map((socketPath) => [socketPath, { socketPath }] as const);
}

/** The HTTP status with which the engine refused, if it did. */
export const refusalOf = (error: unknown): number | undefined =>
  (error as { statusCode?: number } | undefined)?.statusCode;
