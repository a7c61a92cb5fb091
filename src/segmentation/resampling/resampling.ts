/** Nearest, linear, cubic. */
type Order = 0 | 1 | 3;

/** Arguments of nnU-Net v2's resample_data_or_seg_to_shape. */
export interface Resampling {
  /** Of the spline; with a separate axis, across that axis. */
  readonly order: Order;
  /** Along the separate axis. */
  readonly orderZ: Order;
  /** Whether there is a separate axis; null: where spacings differ enough. */
  readonly forceSeparateZ: boolean | null;
  /** How much that is, if not nnU-Net's own 3. */
  readonly anisotropy?: number | undefined;
}
