/**
 * Compiles `proto/` to proto/descriptors.binpb, which server reflection serves: `npm run proto`. It uses buf's compiler, because other
 * compilers name parts of a map's entry differently, and Go clients refuse those.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const folder = fileURLToPath(new URL('../../proto', import.meta.url));
const output = process.argv[2] ?? `${folder}/descriptors.binpb`;
const buf = ['--yes', '-p', '@bufbuild/buf@1.75.0', 'buf'];
execFileSync('npx', [...buf, 'build', folder, '--as-file-descriptor-set', '-o', output], {
  stdio: 'inherit',
});

const set = fromBinary(FileDescriptorSetSchema, readFileSync(output));
for (const file of set.file) {
  // Keeps the comments of our own files, which `grpcurl describe` prints. The comments of the others would be two thirds of the set.
  if (/^(google|grpc)\//.test(file.name)) delete file.sourceCodeInfo;
}
writeFileSync(output, toBinary(FileDescriptorSetSchema, set));
