/**
 * Images of nodes, made of a folder with a Dockerfile. An image is named after a hash of the folder's content, so that it
 * is built once, again only when something in the folder changes, and never mistaken for another.
 */

import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type Dockerode from 'dockerode';
import { findEngine, refusalOf } from './docker-engine.ts';
import type { ImagePlan } from './host.ts';

export type Image = { readonly tag: string; readonly digest: string };

const maxSaid = 20;

/** The image of that folder and those files, built first if the engine does not have it. */
export async function imageOf(
  engine: Dockerode,
  plan: ImagePlan,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<Image> {
  if (!plan.files) return imageOfFolder(engine, plan, progress, signal);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ordeal-image-'));
  try {
    await cp(plan.directory, folder, { recursive: true });
    for (const [place, file] of Object.entries(plan.files)) {
      await mkdir(path.dirname(path.join(folder, place)), { recursive: true });
      await copyFile(file, path.join(folder, place));
    }
    return await imageOfFolder(engine, { name: plan.name, directory: folder }, progress, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function imageOfFolder(
  engine: Dockerode,
  plan: ImagePlan,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<Image> {
  const files = await filesOf(plan.directory);
  const tag = `ordeal/${plan.name}:${(await contentHash(plan.directory, files)).slice(0, 12)}`;
  const present = await digestOf(engine, tag);
  if (present) return { tag, digest: present };
  progress(`building image ${tag}`);
  // A step of a build may be silent for minutes; the signal bounds it.
  await build(await findEngine(0), plan, files, tag, progress, signal);
  const digest = await digestOf(engine, tag);
  if (!digest) throw new Error(`the image ${tag} was built, but the engine does not have it`);
  return { tag, digest };
}

async function digestOf(engine: Dockerode, tag: string): Promise<string | null> {
  try {
    return (await engine.getImage(tag).inspect()).Id;
  } catch (error) {
    if (refusalOf(error) === 404) return null;
    throw error;
  }
}

async function filesOf(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: Error) => {
    throw new Error(`the image folder ${directory} cannot be read: ${error.message}`);
  });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))).sort();
}

async function contentHash(directory: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    const content = await readFile(path.join(directory, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

type BuildEvent = { readonly stream?: string; readonly error?: string };

/** With the network of the engine's machine, since a network of its own may reach no package archive. */
async function build(
  engine: Dockerode,
  plan: ImagePlan,
  files: readonly string[],
  tag: string,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let step = 'the first step';
  const said: string[] = [];
  let failure: string | undefined;
  const note = ({ stream, error }: BuildEvent) => {
    failure ??= error;
    const line = stream?.trim();
    if (!line) return;
    said.push(line);
    if (said.length > maxSaid) said.shift();
    const match = /^Step (\d+)\/(\d+) : (.*)/s.exec(line);
    if (!match) return;
    step = `step ${match[1]} of ${match[2]}, ${match[3]}`;
    progress(`building image ${tag} (${match[1]}/${match[2]})`);
  };
  try {
    const stream = await engine.buildImage(
      { context: plan.directory, src: [...files] },
      {
        t: tag,
        networkmode: 'host',
        rm: true,
        forcerm: true,
        labels: { 'ordeal.image': plan.name },
        abortSignal: signal,
      },
    );
    await new Promise<void>((resolve, reject) => {
      engine.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()), note);
    });
    if (failure !== undefined) throw new Error(failure);
  } catch (error) {
    if (signal.aborted)
      throw new Error(`the image ${tag} was not built in time; it stood at ${step}`, { cause: error });
    const hint = step.includes(', FROM ')
      ? '. Where no registry can be reached, `.ci/engine` makes the base image from Debian packages'
      : `; it said last:\n    ${said.slice(-5).join('\n    ')}`;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the image ${tag} failed to build at ${step}: ${reason}${hint}`, { cause: error });
  }
}
