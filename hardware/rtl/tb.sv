// Resets, seeds and runs `ppl_top`, and writes the states after every sweep: a line of 32-bit words, in hex, the first
// word first. Plusargs: +sweeps=N +seed=N +out=FILE.
`timescale 1ns / 1ps
module tb;
    // FROM THE NETLIST

    reg                     clk = 0;
    reg                     rst = 1;
    reg  [ADDRESS_BITS-1:0] address = 0;
    reg                     write_enable = 0;
    reg  [31:0]             write_data = 0;
    wire [31:0]             read_data;

    ppl_top top (
        .clk(clk), .rst(rst), .address(address), .write_enable(write_enable), .write_data(write_data),
        .read_data(read_data)
    );

    always #5 clk = !clk;

    task write(input [ADDRESS_BITS-1:0] where, input [31:0] what);
        begin
            @(negedge clk);
            address = where;
            write_data = what;
            write_enable = 1;
            @(negedge clk);
            write_enable = 0;
        end
    endtask

    task read(input [ADDRESS_BITS-1:0] where);
        begin
            address = where;
            @(negedge clk);
        end
    endtask

    integer sweeps, seed, sweep, word, file;
    reg [8*256-1:0] out;

    initial begin
        if (!$value$plusargs("sweeps=%d", sweeps)) sweeps = 10;
        if (!$value$plusargs("seed=%d", seed)) seed = 0;
        if (!$value$plusargs("out=%s", out)) out = "states.txt";
        file = $fopen(out, "w");
        repeat (2) @(negedge clk);
        rst = 0;
        write(SEED, seed);
        for (sweep = 0; sweep < sweeps; sweep = sweep + 1) begin
            write(RUN, 1);
            read(RUN);
            while (read_data != 0) read(RUN);
            for (word = 0; word < STATE_WORDS; word = word + 1) begin
                read(STATES + word[ADDRESS_BITS-1:0]);
                $fwrite(file, "%08x ", read_data);
            end
            $fwrite(file, "\n");
        end
        $fclose(file);
        $finish;
    end
endmodule
