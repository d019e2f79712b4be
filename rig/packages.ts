/** Packages that are loaded when they are first used: whoever judges a history, or asks for help, waits for none of them. */

import { createRequire } from 'node:module';
import type * as Ajv from 'ajv/dist/2020.js';
import type * as Hdr from 'hdr-histogram-js';
import type * as Undici from 'undici';
import type * as Yaml from 'yaml';

const later = <Package>(name: string) => {
  let loaded: Package | undefined;
  return (): Package => (loaded ??= createRequire(import.meta.url)(name) as Package);
};

export const ajv = later<typeof Ajv>('ajv/dist/2020.js');
export const hdr = later<typeof Hdr>('hdr-histogram-js');
export const undici = later<typeof Undici>('undici');
export const yaml = later<typeof Yaml>('yaml');
