/** Programs of Ordeal's own that run as processes of their own. */

import { fileURLToPath } from 'node:url';

/** The arguments for Node.js that run that file, named without `.ts` or `.js`; from source it is compiled on its way. */
export function ownProgram(file: URL): readonly string[] {
  const source = import.meta.url.endsWith('.ts');
  const path = fileURLToPath(`${file.href}${source ? '.ts' : '.js'}`);
  return source ? ['--import', import.meta.resolve('jiti/register'), path] : [path];
}
