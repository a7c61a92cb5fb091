/** All in mm from the middle of the image; z upwards, y to the back. */

/** A trunk of 340 x 240 mm. */
export const isBody = (y: number, x: number): boolean => (x / 170) ** 2 + (y / 120) ** 2 <= 1;

/**
 * An organ of 150 x 90 x 100 mm (x, y, z) in front of the body's middle, bent as a pancreas is: along x from
 * head to tail it rises and goes back.
 */
export const isOrgan = (z: number, y: number, x: number): boolean =>
  Math.abs(x) < 75 && Math.hypot(z - 0.5 * x, y + 30 - (x + 20) ** 2 / 130) < 15;
