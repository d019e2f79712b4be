/** The other forms in which a request is repeated that means the same. */

import type { PayloadForm } from '../rig/contract.ts';

export const PAYLOAD_FORMS: readonly PayloadForm[] = [
  'reordered',
  'spaced',
  'decimals',
  'exponents',
  'escaped',
  'defaults',
];
