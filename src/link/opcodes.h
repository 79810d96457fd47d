/* opcodes.h: every instruction whose effect does not depend on its module: code, name, immediates, operand types. And
 * every instruction that is refused, with the proposal that it belongs to.
 *
 * Place in the pipeline: merge_scan.c and merge_scan_loop.c make their tables from these maps and handle the rest
 * (control, variables, calls, references, tables, bulk memory) by name.
 * Non-goals: opcodes' meaning.
 * Spec: core specification, "Binary Format / Instructions"; sections of MVP, sign extension, saturating conversions,
 * SIMD.
 */
#ifndef CJ_LINK_OPCODES_H
#define CJ_LINK_OPCODES_H

/* X(code, text, immediate, argument, signature).
 *
 * immediate and its argument:
 *     NONE
 *     MEMARG       log2 of the natural alignment
 *     MEMARG_LANE  the same; a lane number follows, below 16 >> argument
 *     MEMORY       a memory index
 *     I32, I64     LEB128; F32, F64, V128: 4, 8, 16 bytes
 *     LANE         how many lanes there are
 *     SHUFFLE      16 lane numbers, each below the argument
 *
 * signature: S(operands..., result), operands in the order in which they were pushed, NONE for those missing.
 */
#define CJ_OPCODE_MAP(X) \
    X(0x28, "i32.load", MEMARG, 2, S(I32, NONE, NONE, I32)) \
    X(0x29, "i64.load", MEMARG, 3, S(I32, NONE, NONE, I64)) \
    X(0x2a, "f32.load", MEMARG, 2, S(I32, NONE, NONE, F32)) \
    X(0x2b, "f64.load", MEMARG, 3, S(I32, NONE, NONE, F64)) \
    X(0x2c, "i32.load8_s", MEMARG, 0, S(I32, NONE, NONE, I32)) \
    X(0x2d, "i32.load8_u", MEMARG, 0, S(I32, NONE, NONE, I32)) \
    X(0x2e, "i32.load16_s", MEMARG, 1, S(I32, NONE, NONE, I32)) \
    X(0x2f, "i32.load16_u", MEMARG, 1, S(I32, NONE, NONE, I32)) \
    X(0x30, "i64.load8_s", MEMARG, 0, S(I32, NONE, NONE, I64)) \
    X(0x31, "i64.load8_u", MEMARG, 0, S(I32, NONE, NONE, I64)) \
    X(0x32, "i64.load16_s", MEMARG, 1, S(I32, NONE, NONE, I64)) \
    X(0x33, "i64.load16_u", MEMARG, 1, S(I32, NONE, NONE, I64)) \
    X(0x34, "i64.load32_s", MEMARG, 2, S(I32, NONE, NONE, I64)) \
    X(0x35, "i64.load32_u", MEMARG, 2, S(I32, NONE, NONE, I64)) \
    X(0x36, "i32.store", MEMARG, 2, S(I32, I32, NONE, NONE)) \
    X(0x37, "i64.store", MEMARG, 3, S(I32, I64, NONE, NONE)) \
    X(0x38, "f32.store", MEMARG, 2, S(I32, F32, NONE, NONE)) \
    X(0x39, "f64.store", MEMARG, 3, S(I32, F64, NONE, NONE)) \
    X(0x3a, "i32.store8", MEMARG, 0, S(I32, I32, NONE, NONE)) \
    X(0x3b, "i32.store16", MEMARG, 1, S(I32, I32, NONE, NONE)) \
    X(0x3c, "i64.store8", MEMARG, 0, S(I32, I64, NONE, NONE)) \
    X(0x3d, "i64.store16", MEMARG, 1, S(I32, I64, NONE, NONE)) \
    X(0x3e, "i64.store32", MEMARG, 2, S(I32, I64, NONE, NONE)) \
    X(0x3f, "memory.size", MEMORY, 0, S(NONE, NONE, NONE, I32)) \
    X(0x40, "memory.grow", MEMORY, 0, S(I32, NONE, NONE, I32)) \
    X(0x41, "i32.const", I32, 0, S(NONE, NONE, NONE, I32)) \
    X(0x42, "i64.const", I64, 0, S(NONE, NONE, NONE, I64)) \
    X(0x43, "f32.const", F32, 0, S(NONE, NONE, NONE, F32)) \
    X(0x44, "f64.const", F64, 0, S(NONE, NONE, NONE, F64)) \
    X(0x45, "i32.eqz", NONE, 0, S(I32, NONE, NONE, I32)) \
    X(0x46, "i32.eq", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x47, "i32.ne", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x48, "i32.lt_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x49, "i32.lt_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x4a, "i32.gt_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x4b, "i32.gt_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x4c, "i32.le_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x4d, "i32.le_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x4e, "i32.ge_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x4f, "i32.ge_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x50, "i64.eqz", NONE, 0, S(I64, NONE, NONE, I32)) \
    X(0x51, "i64.eq", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x52, "i64.ne", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x53, "i64.lt_s", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x54, "i64.lt_u", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x55, "i64.gt_s", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x56, "i64.gt_u", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x57, "i64.le_s", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x58, "i64.le_u", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x59, "i64.ge_s", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x5a, "i64.ge_u", NONE, 0, S(I64, I64, NONE, I32)) \
    X(0x5b, "f32.eq", NONE, 0, S(F32, F32, NONE, I32)) \
    X(0x5c, "f32.ne", NONE, 0, S(F32, F32, NONE, I32)) \
    X(0x5d, "f32.lt", NONE, 0, S(F32, F32, NONE, I32)) \
    X(0x5e, "f32.gt", NONE, 0, S(F32, F32, NONE, I32)) \
    X(0x5f, "f32.le", NONE, 0, S(F32, F32, NONE, I32)) \
    X(0x60, "f32.ge", NONE, 0, S(F32, F32, NONE, I32)) \
    X(0x61, "f64.eq", NONE, 0, S(F64, F64, NONE, I32)) \
    X(0x62, "f64.ne", NONE, 0, S(F64, F64, NONE, I32)) \
    X(0x63, "f64.lt", NONE, 0, S(F64, F64, NONE, I32)) \
    X(0x64, "f64.gt", NONE, 0, S(F64, F64, NONE, I32)) \
    X(0x65, "f64.le", NONE, 0, S(F64, F64, NONE, I32)) \
    X(0x66, "f64.ge", NONE, 0, S(F64, F64, NONE, I32)) \
    X(0x67, "i32.clz", NONE, 0, S(I32, NONE, NONE, I32)) \
    X(0x68, "i32.ctz", NONE, 0, S(I32, NONE, NONE, I32)) \
    X(0x69, "i32.popcnt", NONE, 0, S(I32, NONE, NONE, I32)) \
    X(0x6a, "i32.add", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x6b, "i32.sub", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x6c, "i32.mul", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x6d, "i32.div_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x6e, "i32.div_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x6f, "i32.rem_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x70, "i32.rem_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x71, "i32.and", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x72, "i32.or", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x73, "i32.xor", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x74, "i32.shl", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x75, "i32.shr_s", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x76, "i32.shr_u", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x77, "i32.rotl", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x78, "i32.rotr", NONE, 0, S(I32, I32, NONE, I32)) \
    X(0x79, "i64.clz", NONE, 0, S(I64, NONE, NONE, I64)) \
    X(0x7a, "i64.ctz", NONE, 0, S(I64, NONE, NONE, I64)) \
    X(0x7b, "i64.popcnt", NONE, 0, S(I64, NONE, NONE, I64)) \
    X(0x7c, "i64.add", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x7d, "i64.sub", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x7e, "i64.mul", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x7f, "i64.div_s", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x80, "i64.div_u", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x81, "i64.rem_s", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x82, "i64.rem_u", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x83, "i64.and", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x84, "i64.or", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x85, "i64.xor", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x86, "i64.shl", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x87, "i64.shr_s", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x88, "i64.shr_u", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x89, "i64.rotl", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x8a, "i64.rotr", NONE, 0, S(I64, I64, NONE, I64)) \
    X(0x8b, "f32.abs", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x8c, "f32.neg", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x8d, "f32.ceil", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x8e, "f32.floor", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x8f, "f32.trunc", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x90, "f32.nearest", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x91, "f32.sqrt", NONE, 0, S(F32, NONE, NONE, F32)) \
    X(0x92, "f32.add", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x93, "f32.sub", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x94, "f32.mul", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x95, "f32.div", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x96, "f32.min", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x97, "f32.max", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x98, "f32.copysign", NONE, 0, S(F32, F32, NONE, F32)) \
    X(0x99, "f64.abs", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0x9a, "f64.neg", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0x9b, "f64.ceil", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0x9c, "f64.floor", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0x9d, "f64.trunc", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0x9e, "f64.nearest", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0x9f, "f64.sqrt", NONE, 0, S(F64, NONE, NONE, F64)) \
    X(0xa0, "f64.add", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa1, "f64.sub", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa2, "f64.mul", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa3, "f64.div", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa4, "f64.min", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa5, "f64.max", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa6, "f64.copysign", NONE, 0, S(F64, F64, NONE, F64)) \
    X(0xa7, "i32.wrap_i64", NONE, 0, S(I64, NONE, NONE, I32)) \
    X(0xa8, "i32.trunc_f32_s", NONE, 0, S(F32, NONE, NONE, I32)) \
    X(0xa9, "i32.trunc_f32_u", NONE, 0, S(F32, NONE, NONE, I32)) \
    X(0xaa, "i32.trunc_f64_s", NONE, 0, S(F64, NONE, NONE, I32)) \
    X(0xab, "i32.trunc_f64_u", NONE, 0, S(F64, NONE, NONE, I32)) \
    X(0xac, "i64.extend_i32_s", NONE, 0, S(I32, NONE, NONE, I64)) \
    X(0xad, "i64.extend_i32_u", NONE, 0, S(I32, NONE, NONE, I64)) \
    X(0xae, "i64.trunc_f32_s", NONE, 0, S(F32, NONE, NONE, I64)) \
    X(0xaf, "i64.trunc_f32_u", NONE, 0, S(F32, NONE, NONE, I64)) \
    X(0xb0, "i64.trunc_f64_s", NONE, 0, S(F64, NONE, NONE, I64)) \
    X(0xb1, "i64.trunc_f64_u", NONE, 0, S(F64, NONE, NONE, I64)) \
    X(0xb2, "f32.convert_i32_s", NONE, 0, S(I32, NONE, NONE, F32)) \
    X(0xb3, "f32.convert_i32_u", NONE, 0, S(I32, NONE, NONE, F32)) \
    X(0xb4, "f32.convert_i64_s", NONE, 0, S(I64, NONE, NONE, F32)) \
    X(0xb5, "f32.convert_i64_u", NONE, 0, S(I64, NONE, NONE, F32)) \
    X(0xb6, "f32.demote_f64", NONE, 0, S(F64, NONE, NONE, F32)) \
    X(0xb7, "f64.convert_i32_s", NONE, 0, S(I32, NONE, NONE, F64)) \
    X(0xb8, "f64.convert_i32_u", NONE, 0, S(I32, NONE, NONE, F64)) \
    X(0xb9, "f64.convert_i64_s", NONE, 0, S(I64, NONE, NONE, F64)) \
    X(0xba, "f64.convert_i64_u", NONE, 0, S(I64, NONE, NONE, F64)) \
    X(0xbb, "f64.promote_f32", NONE, 0, S(F32, NONE, NONE, F64)) \
    X(0xbc, "i32.reinterpret_f32", NONE, 0, S(F32, NONE, NONE, I32)) \
    X(0xbd, "i64.reinterpret_f64", NONE, 0, S(F64, NONE, NONE, I64)) \
    X(0xbe, "f32.reinterpret_i32", NONE, 0, S(I32, NONE, NONE, F32)) \
    X(0xbf, "f64.reinterpret_i64", NONE, 0, S(I64, NONE, NONE, F64)) \
    X(0xc0, "i32.extend8_s", NONE, 0, S(I32, NONE, NONE, I32)) \
    X(0xc1, "i32.extend16_s", NONE, 0, S(I32, NONE, NONE, I32)) \
    X(0xc2, "i64.extend8_s", NONE, 0, S(I64, NONE, NONE, I64)) \
    X(0xc3, "i64.extend16_s", NONE, 0, S(I64, NONE, NONE, I64)) \
    X(0xc4, "i64.extend32_s", NONE, 0, S(I64, NONE, NONE, I64))

/* After the prefix 0xfc. */
#define CJ_OPCODE_FC_MAP(X) \
    X(0x00, "i32.trunc_sat_f32_s", NONE, 0, S(F32, NONE, NONE, I32)) \
    X(0x01, "i32.trunc_sat_f32_u", NONE, 0, S(F32, NONE, NONE, I32)) \
    X(0x02, "i32.trunc_sat_f64_s", NONE, 0, S(F64, NONE, NONE, I32)) \
    X(0x03, "i32.trunc_sat_f64_u", NONE, 0, S(F64, NONE, NONE, I32)) \
    X(0x04, "i64.trunc_sat_f32_s", NONE, 0, S(F32, NONE, NONE, I64)) \
    X(0x05, "i64.trunc_sat_f32_u", NONE, 0, S(F32, NONE, NONE, I64)) \
    X(0x06, "i64.trunc_sat_f64_s", NONE, 0, S(F64, NONE, NONE, I64)) \
    X(0x07, "i64.trunc_sat_f64_u", NONE, 0, S(F64, NONE, NONE, I64))

/* After the prefix 0xfd. */
#define CJ_OPCODE_FD_MAP(X) \
    X(0x00, "v128.load", MEMARG, 4, S(I32, NONE, NONE, V128)) \
    X(0x01, "v128.load8x8_s", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x02, "v128.load8x8_u", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x03, "v128.load16x4_s", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x04, "v128.load16x4_u", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x05, "v128.load32x2_s", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x06, "v128.load32x2_u", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x07, "v128.load8_splat", MEMARG, 0, S(I32, NONE, NONE, V128)) \
    X(0x08, "v128.load16_splat", MEMARG, 1, S(I32, NONE, NONE, V128)) \
    X(0x09, "v128.load32_splat", MEMARG, 2, S(I32, NONE, NONE, V128)) \
    X(0x0a, "v128.load64_splat", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x0b, "v128.store", MEMARG, 4, S(I32, V128, NONE, NONE)) \
    X(0x0c, "v128.const", V128, 0, S(NONE, NONE, NONE, V128)) \
    X(0x0d, "i8x16.shuffle", SHUFFLE, 32, S(V128, V128, NONE, V128)) \
    X(0x0e, "i8x16.swizzle", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x0f, "i8x16.splat", NONE, 0, S(I32, NONE, NONE, V128)) \
    X(0x10, "i16x8.splat", NONE, 0, S(I32, NONE, NONE, V128)) \
    X(0x11, "i32x4.splat", NONE, 0, S(I32, NONE, NONE, V128)) \
    X(0x12, "i64x2.splat", NONE, 0, S(I64, NONE, NONE, V128)) \
    X(0x13, "f32x4.splat", NONE, 0, S(F32, NONE, NONE, V128)) \
    X(0x14, "f64x2.splat", NONE, 0, S(F64, NONE, NONE, V128)) \
    X(0x15, "i8x16.extract_lane_s", LANE, 16, S(V128, NONE, NONE, I32)) \
    X(0x16, "i8x16.extract_lane_u", LANE, 16, S(V128, NONE, NONE, I32)) \
    X(0x17, "i8x16.replace_lane", LANE, 16, S(V128, I32, NONE, V128)) \
    X(0x18, "i16x8.extract_lane_s", LANE, 8, S(V128, NONE, NONE, I32)) \
    X(0x19, "i16x8.extract_lane_u", LANE, 8, S(V128, NONE, NONE, I32)) \
    X(0x1a, "i16x8.replace_lane", LANE, 8, S(V128, I32, NONE, V128)) \
    X(0x1b, "i32x4.extract_lane", LANE, 4, S(V128, NONE, NONE, I32)) \
    X(0x1c, "i32x4.replace_lane", LANE, 4, S(V128, I32, NONE, V128)) \
    X(0x1d, "i64x2.extract_lane", LANE, 2, S(V128, NONE, NONE, I64)) \
    X(0x1e, "i64x2.replace_lane", LANE, 2, S(V128, I64, NONE, V128)) \
    X(0x1f, "f32x4.extract_lane", LANE, 4, S(V128, NONE, NONE, F32)) \
    X(0x20, "f32x4.replace_lane", LANE, 4, S(V128, F32, NONE, V128)) \
    X(0x21, "f64x2.extract_lane", LANE, 2, S(V128, NONE, NONE, F64)) \
    X(0x22, "f64x2.replace_lane", LANE, 2, S(V128, F64, NONE, V128)) \
    X(0x23, "i8x16.eq", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x24, "i8x16.ne", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x25, "i8x16.lt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x26, "i8x16.lt_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x27, "i8x16.gt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x28, "i8x16.gt_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x29, "i8x16.le_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x2a, "i8x16.le_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x2b, "i8x16.ge_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x2c, "i8x16.ge_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x2d, "i16x8.eq", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x2e, "i16x8.ne", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x2f, "i16x8.lt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x30, "i16x8.lt_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x31, "i16x8.gt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x32, "i16x8.gt_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x33, "i16x8.le_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x34, "i16x8.le_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x35, "i16x8.ge_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x36, "i16x8.ge_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x37, "i32x4.eq", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x38, "i32x4.ne", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x39, "i32x4.lt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x3a, "i32x4.lt_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x3b, "i32x4.gt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x3c, "i32x4.gt_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x3d, "i32x4.le_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x3e, "i32x4.le_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x3f, "i32x4.ge_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x40, "i32x4.ge_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x41, "f32x4.eq", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x42, "f32x4.ne", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x43, "f32x4.lt", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x44, "f32x4.gt", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x45, "f32x4.le", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x46, "f32x4.ge", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x47, "f64x2.eq", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x48, "f64x2.ne", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x49, "f64x2.lt", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x4a, "f64x2.gt", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x4b, "f64x2.le", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x4c, "f64x2.ge", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x4d, "v128.not", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x4e, "v128.and", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x4f, "v128.andnot", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x50, "v128.or", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x51, "v128.xor", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x52, "v128.bitselect", NONE, 0, S(V128, V128, V128, V128)) \
    X(0x53, "v128.any_true", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0x54, "v128.load8_lane", MEMARG_LANE, 0, S(I32, V128, NONE, V128)) \
    X(0x55, "v128.load16_lane", MEMARG_LANE, 1, S(I32, V128, NONE, V128)) \
    X(0x56, "v128.load32_lane", MEMARG_LANE, 2, S(I32, V128, NONE, V128)) \
    X(0x57, "v128.load64_lane", MEMARG_LANE, 3, S(I32, V128, NONE, V128)) \
    X(0x58, "v128.store8_lane", MEMARG_LANE, 0, S(I32, V128, NONE, NONE)) \
    X(0x59, "v128.store16_lane", MEMARG_LANE, 1, S(I32, V128, NONE, NONE)) \
    X(0x5a, "v128.store32_lane", MEMARG_LANE, 2, S(I32, V128, NONE, NONE)) \
    X(0x5b, "v128.store64_lane", MEMARG_LANE, 3, S(I32, V128, NONE, NONE)) \
    X(0x5c, "v128.load32_zero", MEMARG, 2, S(I32, NONE, NONE, V128)) \
    X(0x5d, "v128.load64_zero", MEMARG, 3, S(I32, NONE, NONE, V128)) \
    X(0x5e, "f32x4.demote_f64x2_zero", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x5f, "f64x2.promote_low_f32x4", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x60, "i8x16.abs", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x61, "i8x16.neg", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x62, "i8x16.popcnt", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x63, "i8x16.all_true", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0x64, "i8x16.bitmask", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0x65, "i8x16.narrow_i16x8_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x66, "i8x16.narrow_i16x8_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x67, "f32x4.ceil", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x68, "f32x4.floor", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x69, "f32x4.trunc", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x6a, "f32x4.nearest", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x6b, "i8x16.shl", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0x6c, "i8x16.shr_s", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0x6d, "i8x16.shr_u", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0x6e, "i8x16.add", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x6f, "i8x16.add_sat_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x70, "i8x16.add_sat_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x71, "i8x16.sub", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x72, "i8x16.sub_sat_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x73, "i8x16.sub_sat_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x74, "f64x2.ceil", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x75, "f64x2.floor", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x76, "i8x16.min_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x77, "i8x16.min_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x78, "i8x16.max_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x79, "i8x16.max_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x7a, "f64x2.trunc", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x7b, "i8x16.avgr_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x7c, "i16x8.extadd_pairwise_i8x16_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x7d, "i16x8.extadd_pairwise_i8x16_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x7e, "i32x4.extadd_pairwise_i16x8_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x7f, "i32x4.extadd_pairwise_i16x8_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x80, "i16x8.abs", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x81, "i16x8.neg", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x82, "i16x8.q15mulr_sat_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x83, "i16x8.all_true", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0x84, "i16x8.bitmask", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0x85, "i16x8.narrow_i32x4_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x86, "i16x8.narrow_i32x4_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x87, "i16x8.extend_low_i8x16_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x88, "i16x8.extend_high_i8x16_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x89, "i16x8.extend_low_i8x16_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x8a, "i16x8.extend_high_i8x16_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x8b, "i16x8.shl", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0x8c, "i16x8.shr_s", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0x8d, "i16x8.shr_u", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0x8e, "i16x8.add", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x8f, "i16x8.add_sat_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x90, "i16x8.add_sat_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x91, "i16x8.sub", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x92, "i16x8.sub_sat_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x93, "i16x8.sub_sat_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x94, "f64x2.nearest", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0x95, "i16x8.mul", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x96, "i16x8.min_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x97, "i16x8.min_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x98, "i16x8.max_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x99, "i16x8.max_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x9b, "i16x8.avgr_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x9c, "i16x8.extmul_low_i8x16_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x9d, "i16x8.extmul_high_i8x16_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x9e, "i16x8.extmul_low_i8x16_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0x9f, "i16x8.extmul_high_i8x16_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xa0, "i32x4.abs", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xa1, "i32x4.neg", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xa3, "i32x4.all_true", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0xa4, "i32x4.bitmask", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0xa7, "i32x4.extend_low_i16x8_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xa8, "i32x4.extend_high_i16x8_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xa9, "i32x4.extend_low_i16x8_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xaa, "i32x4.extend_high_i16x8_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xab, "i32x4.shl", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0xac, "i32x4.shr_s", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0xad, "i32x4.shr_u", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0xae, "i32x4.add", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xb1, "i32x4.sub", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xb5, "i32x4.mul", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xb6, "i32x4.min_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xb7, "i32x4.min_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xb8, "i32x4.max_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xb9, "i32x4.max_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xba, "i32x4.dot_i16x8_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xbc, "i32x4.extmul_low_i16x8_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xbd, "i32x4.extmul_high_i16x8_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xbe, "i32x4.extmul_low_i16x8_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xbf, "i32x4.extmul_high_i16x8_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xc0, "i64x2.abs", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xc1, "i64x2.neg", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xc3, "i64x2.all_true", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0xc4, "i64x2.bitmask", NONE, 0, S(V128, NONE, NONE, I32)) \
    X(0xc7, "i64x2.extend_low_i32x4_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xc8, "i64x2.extend_high_i32x4_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xc9, "i64x2.extend_low_i32x4_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xca, "i64x2.extend_high_i32x4_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xcb, "i64x2.shl", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0xcc, "i64x2.shr_s", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0xcd, "i64x2.shr_u", NONE, 0, S(V128, I32, NONE, V128)) \
    X(0xce, "i64x2.add", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xd1, "i64x2.sub", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xd5, "i64x2.mul", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xd6, "i64x2.eq", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xd7, "i64x2.ne", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xd8, "i64x2.lt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xd9, "i64x2.gt_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xda, "i64x2.le_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xdb, "i64x2.ge_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xdc, "i64x2.extmul_low_i32x4_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xdd, "i64x2.extmul_high_i32x4_s", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xde, "i64x2.extmul_low_i32x4_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xdf, "i64x2.extmul_high_i32x4_u", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xe0, "f32x4.abs", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xe1, "f32x4.neg", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xe3, "f32x4.sqrt", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xe4, "f32x4.add", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xe5, "f32x4.sub", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xe6, "f32x4.mul", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xe7, "f32x4.div", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xe8, "f32x4.min", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xe9, "f32x4.max", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xea, "f32x4.pmin", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xeb, "f32x4.pmax", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xec, "f64x2.abs", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xed, "f64x2.neg", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xef, "f64x2.sqrt", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xf0, "f64x2.add", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf1, "f64x2.sub", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf2, "f64x2.mul", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf3, "f64x2.div", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf4, "f64x2.min", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf5, "f64x2.max", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf6, "f64x2.pmin", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf7, "f64x2.pmax", NONE, 0, S(V128, V128, NONE, V128)) \
    X(0xf8, "i32x4.trunc_sat_f32x4_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xf9, "i32x4.trunc_sat_f32x4_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xfa, "f32x4.convert_i32x4_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xfb, "f32x4.convert_i32x4_u", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xfc, "i32x4.trunc_sat_f64x2_s_zero", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xfd, "i32x4.trunc_sat_f64x2_u_zero", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xfe, "f64x2.convert_low_i32x4_s", NONE, 0, S(V128, NONE, NONE, V128)) \
    X(0xff, "f64x2.convert_low_i32x4_u", NONE, 0, S(V128, NONE, NONE, V128))

/* X(first, last, proposal): refused as "unsupported: core PROPOSAL". */
#define CJ_REFUSED_MAP(X) \
    X(0x06, 0x0a, "exceptions")                /* try, catch, throw, rethrow, throw_ref */ \
    X(0x14, 0x15, "typed function references") /* call_ref, return_call_ref */ \
    X(0x18, 0x19, "exceptions")                /* delegate, catch_all */ \
    X(0x1f, 0x1f, "exceptions")                /* try_table */ \
    X(0xd3, 0xd3, "GC instructions")           /* ref.eq */ \
    X(0xd4, 0xd6, "typed function references") /* ref.as_non_null, br_on_null, br_on_non_null */ \
    X(0xe0, 0xe5, "stack switching") \
    X(0xfb, 0xfb, "GC instructions") \
    X(0xfe, 0xfe, "threads")

#endif
