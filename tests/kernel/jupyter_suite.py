"""jupyter_kernel_test 0.7, Jupyter's own judge of kernels, with TypeScript samples."""
import os
import jupyter_kernel_test

class AfinarTests(jupyter_kernel_test.KernelTests):
    kernel_name = 'afinar'
    language_name = 'typescript'
    file_extension = '.ts'
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [{'text': '"abc".toUpp', 'matches': {'toUpperCase'}}, {'text': 'JSON.pars', 'matches': {'parse'}}]
    complete_code_samples = ['1', 'const a = 1', 'function f(x: number) { return x }', 'for (const i of [1]) {}', 'interface A { b: string }']
    incomplete_code_samples = ['function f() {', 'const a = [1,', '`abc', 'if (1 > 0) {', '/* a comment']
    invalid_code_samples = ['const = 5', '1 +* 2', 'let 5a = 1']
    code_page_something = 'parseInt?'
    code_generate_error = "throw new Error('wrong')"
    code_execute_result = [{'code': '1+2', 'result': '3'}, {'code': "'a' + 'b'", 'result': "'ab'"}, {'code': '[1, 2]', 'result': '[ 1, 2 ]'}]
    code_display_data = [{'code': "console.log(''); globalThis[Symbol.for('afinar.session')].display({ 'text/html': '<b>x</b>', 'text/plain': 'x' })", 'mime': 'text/html'}]
    code_history_pattern = '1?2*'
    supported_history_operations = ('tail', 'range', 'search')
    code_inspect_sample = 'parseInt'
    code_clear_output = "globalThis[Symbol.for('afinar.session')].clearOutput()"

del jupyter_kernel_test
