/** The HTTP client of all clusters, which is loaded with the first connection: who judges a history needs none of it. */

import { createRequire } from 'node:module';
import type * as Undici from 'undici';

/** The package of that name. */
export const undici = (): typeof Undici => createRequire(import.meta.url)('undici') as typeof Undici;
