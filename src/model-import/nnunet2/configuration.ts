import { z } from 'zod';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';

/** plans.configurations: settings of any kind by their names. */
export type Configurations = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * A configuration with what it inherits, and without what cannot be done here.
 *
 * @param where the plans, for messages
 * @throws {SegmentationError} PLANS_INVALID
 */
export function resolveConfiguration(
  configurations: Configurations,
  name: string,
  where: string,
): Readonly<Record<string, unknown>> {
  const wrong = (message: string) => new SegmentationError('PLANS_INVALID', `${where}: ${message}`);
  const resolved = inherited(configurations, name, [], wrong);
  const previous = resolved['previous_stage'];
  if (previous !== undefined && previous !== null)
    throw wrong(
      `${name} is the second stage of a cascade: beside the image it takes what ` +
        `${JSON.stringify(previous)} found, which is not done here; expected 3d_fullres or 3d_lowres`,
    );
  if (lengths.safeParse(resolved['patch_size']).data?.length === 2)
    throw wrong(`${name} is a 2-D configuration (patch_size has two lengths); only 3-D networks can be used`);
  return resolved;
}

const lengths = z.array(z.number());

function inherited(
  configurations: Configurations,
  name: string,
  visited: readonly string[],
  wrong: (message: string) => SegmentationError,
): Record<string, unknown> {
  const own = Object.hasOwn(configurations, name) ? configurations[name] : undefined;
  if (!own)
    throw wrong(
      `there is no configuration ${name}` +
        `${visited.length > 0 ? `, from which ${visited.at(-1)} inherits` : ''}; ` +
        `the plans have ${Object.keys(configurations).join(', ') || 'none'}`,
    );
  if (visited.includes(name))
    throw wrong(`the configuration ${name} inherits from itself (${[...visited, name].join(', ')})`);
  const parent = own['inherits_from'];
  if (parent === undefined) return { ...own };
  if (typeof parent !== 'string') throw wrong(`${name} inherits from something that is no name`);
  return { ...inherited(configurations, parent, [...visited, name], wrong), ...own };
}
