import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import type { PickledTensor } from '../pickle/pickled-tensor.ts';
import type { TorchFile } from './torch-file.ts';

/** The largest parameter of the full-size network has 13 MB. */
const MAX_TENSOR_BYTES = 2 ** 30;

/** A tensor's values in C order, as single precision. Only the part of the storage that it uses is read. */
export async function readTensor(
  file: TorchFile,
  name: string,
  tensor: PickledTensor,
): Promise<Float32Array> {
  const { storage, offset, shape, strides } = tensor;
  const { bytesPerValue, className, valueAt } = storage.type;
  const count = shape.reduce((product, length) => product * length, 1);
  if (count === 0) return new Float32Array();
  const span = 1 + shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), 0);
  if (span * Math.max(bytesPerValue, Float32Array.BYTES_PER_ELEMENT) > MAX_TENSOR_BYTES)
    throw new SegmentationError(
      'CHECKPOINT_REFUSED',
      `parameter '${name}' of shape [${shape.join(', ')}] takes more than ${MAX_TENSOR_BYTES} bytes; ` +
        'no network that can be imported has one',
    );
  const bytes = new Uint8Array(span * bytesPerValue);
  await file.readBytes(storage, offset * bytesPerValue, bytes);
  const contiguous = isContiguous(shape, strides);
  if (contiguous && className === 'FloatStorage') return new Float32Array(bytes.buffer);
  const view = new DataView(bytes.buffer);
  const values = new Float32Array(count);
  if (contiguous) for (let i = 0; i < count; i++) values[i] = valueAt(view, i);
  else gather(shape, strides, (index, source) => (values[index] = valueAt(view, source)));
  return values;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    // Along an axis of length 1, torch may write any stride.
    if (length !== 1 && strides[axis] !== expected) return false;
    expected *= length;
  }
  return true;
}

/** Visits every element in C order with its place in the storage. */
function gather(
  shape: readonly number[],
  strides: readonly number[],
  visit: (index: number, source: number) => void,
): void {
  let index = 0;
  const walk = (axis: number, source: number): void => {
    const length = shape[axis];
    const stride = strides[axis];
    if (length === undefined || stride === undefined) visit(index++, source);
    else for (let i = 0; i < length; i++) walk(axis + 1, source + i * stride);
  };
  walk(0, 0);
}
