// What a microcontroller does with `ppl_ice40`: gives a seed, and every so many sweeps reads the first word of states.
`timescale 1ns / 1ps
module spi_tb;
    parameter integer SEED = 7, ROUNDS = 20, SWEEPS = 10, STATES = 8;

    reg clk = 0, sck = 0, cs_n = 1, mosi = 0;
    wire miso;
    reg [47:0] frame;
    reg [31:0] told;
    integer left, round;

    ppl_ice40 board (.clk(clk), .sck(sck), .cs_n(cs_n), .mosi(mosi), .miso(miso));

    always #5 clk = !clk;

    task exchange(input write, input [14:0] address, input [31:0] data);
        begin
            frame = {write, address, data};
            cs_n = 0;
            #40;
            for (left = 47; left >= 0; left = left - 1) begin
                mosi = frame[left];
                #41 sck = 1;
                told = {told[30:0], miso};
                #41 sck = 0;
            end
            #40 cs_n = 1;
            #40;
        end
    endtask

    initial begin
        #1000;
        exchange(1, 3, SEED);
        for (round = 0; round < ROUNDS; round = round + 1) begin
            exchange(1, 0, SWEEPS);
            told = 1;
            while (told != 0) exchange(0, 0, 0);
            exchange(0, STATES, 0);
            $display("%08x", told);
        end
        $finish;
    end
endmodule
