/** The register under the name that outside histories know it by. */

import { register } from './register.ts';

export const casRegister: typeof register = { ...register, name: 'cas-register' };
