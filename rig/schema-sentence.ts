/** What a JSON Schema has against a value, as a sentence for a person: the place, the value, and the alternatives. */

import type { ErrorObject } from 'ajv/dist/2020.js';

export const DURATION_PATTERN = '^\\d+(\\.\\d+)?(ms|s|m|h)$';

/** `whole` is what the place without a name is called: `the configuration`. */
export function schemaSentence(error: ErrorObject, whole: string): string {
  const path = error.instancePath.slice(1).replaceAll('/', '.') || whole;
  const value = JSON.stringify(error.data)?.slice(0, 80);
  const schema = error.parentSchema as { properties?: object } | undefined;
  switch (error.keyword) {
    case 'additionalProperties': {
      const inside = path === whole ? '' : ` of ${path}`;
      return `"${error.params['additionalProperty']}" is not a setting${inside}; there are ${Object.keys(schema?.properties ?? {}).join(', ')}`;
    }
    case 'required':
      return `${path} lacks "${error.params['missingProperty']}"`;
    case 'enum':
      return `${path} is ${value}; it may be ${(error.params['allowedValues'] as string[]).join(', ')}`;
    case 'pattern':
      return error.params['pattern'] === DURATION_PATTERN
        ? `${path} is ${value}; a duration is a number with a unit: 500ms, 60s, 5m or 1h`
        : `${path} is ${value}; it must match ${error.params['pattern']}`;
    default:
      return `${path} is ${value}; it ${error.message}`;
  }
}
