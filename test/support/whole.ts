import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Whether this is `npm run test:whole`. */
    readonly whole: boolean;
  }
}

/**
 * Whether the slow tests run at full width: every case, more kills, both archives. `npm test` takes a part of
 * each that can be waited for.
 */
export const isWhole: boolean = inject('whole');
