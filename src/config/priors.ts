import { z } from 'zod';
import { MODES } from '../inference-mode.ts';

/** The years before the node came. */
export const priorsSchema = z.strictObject({
  enabled: z.boolean(),
  years: z.int().positive(),
  studies: z.int().positive(),
  mode: z.enum(['auto', ...MODES]),
  results: z.enum(['history', 'archive']),
});

/** Else a node whose own mode is that of its latest result would go on in the mode of the earlier ones. */
export const isModeSettled = ({
  priors,
  inference,
}: {
  readonly priors: z.infer<typeof priorsSchema>;
  readonly inference: { readonly mode: string };
}): boolean => priors.mode === 'auto' || priors.results === 'history' || inference.mode !== 'auto';
