/**
 * How an image is segmented. `exact`: a grid of windows over all of it, each with all its mirror images, as
 * nnU-Net does. `fast`: windows where the organ is, with all their mirror images. `quick`: the same without
 * mirroring.
 */
export const MODES = ['exact', 'fast', 'quick'] as const;
export type Mode = (typeof MODES)[number];

export const isMode = (value: unknown): value is Mode => MODES.some((mode) => mode === value);
