/** From here on a voxel clearly is the organ's, and from here on possibly. */
export const CLEAR_PROBABILITY = 0.75;
export const POSSIBLE_PROBABILITY = 0.25;

/** How many voxels the organ has if only clear voxels count, and how many if doubtful ones do too. */
export interface VoxelRange {
  /** With a probability of at least 0.75. */
  readonly clear: number;
  /** With a probability of at least 0.25. */
  readonly possible: number;
}
