import type { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { describeValue, isKind, type PickleValue } from './pickle-value.ts';

/** Convolution weights have 5. */
const MAX_AXES = 8;

/**
 * torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks): a view
 * whose every value lies in its storage.
 */
export function rebuildTensor(
  args: readonly PickleValue[],
  { refuse }: { readonly refuse: (message: string) => SegmentationError },
): PickleValue {
  const [storage, offset, shape, strides] = args;
  if (!isKind(storage, 'storage')) throw refuse('a tensor without a storage');
  if (!isCount(offset))
    throw refuse(`a tensor whose offset is ${describeValue(offset)}; expected a whole number from 0`);
  if (!isCounts(shape)) throw refuse('a tensor whose shape is not a list of whole numbers from 0');
  if (!isCounts(strides) || strides.length !== shape.length)
    throw refuse('a tensor whose strides are not one whole number from 0 for each axis');
  const count = shape.reduce((product, length) => product * length, 1);
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), offset);
  // An expanded tensor (stride 0) could claim any size without bytes behind it; parameters are never that.
  if (count > storage.length || (count > 0 && last >= storage.length))
    throw refuse(
      `a tensor of shape [${shape.join(', ')}] reaches to value ${Math.max(last, count - 1)} of storage ` +
        `'${storage.key}', which has ${storage.length}`,
    );
  return { kind: 'tensor', storage, offset, shape, strides };
}

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isCounts = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) && value.length <= MAX_AXES && value.every(isCount);
