/** Loaded before the program (`--import`): the network is replaced by one that waits. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    if (!resolved.url.endsWith('/src/segmentation/segment.ts')) return resolved;
    return { ...resolved, url: new URL('./stub-segment.ts', import.meta.url).href };
  },
});
