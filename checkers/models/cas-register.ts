/** The register under the name that outside histories know it by. */

import { type Monitor, monitored } from '../monitors/monitor.ts';
import { register } from './register.ts';

export const casRegister: typeof register = monitored(
  { ...register, name: 'cas-register' },
  register.monitor as Monitor,
);
